import DataLoader from 'dataloader'
import { readStats, type StatsRow, type StatsWish } from '../../store/endpoint-stats.ts'
import type { Read } from '../../store/reads.ts'

/** The statistics of one endpoint. */
export type StatsKey = Omit<StatsWish, 'endpointIds'> & { readonly endpointId: string }

/** Rows of statistics by endpoint: endpoints that ask for the same range share a statement. */
export function newStatsLoader(read: Read) {
  return new DataLoader<StatsKey, readonly StatsRow[], string>(
    async (keys) => {
      const batches = [...Map.groupBy(keys, rangeOf).values()]
      const rows = new Map<string, readonly StatsRow[]>()
      await Promise.all(
        batches.map(async (batch) => {
          for (const [key, some] of await readBatch(read, batch)) rows.set(key, some)
        }),
      )
      return keys.map((key) => rows.get(textOf(key)) ?? [])
    },
    { cacheKeyFn: textOf },
  )
}

async function readBatch(read: Read, batch: readonly StatsKey[]) {
  const [first] = batch
  if (!first) return []
  const endpointIds = batch.map((key) => key.endpointId)
  const rows = await readStats(read, { ...first, endpointIds })
  const byEndpoint = Map.groupBy(rows, (row) => row.endpointId)
  return batch.map((key) => [textOf(key), byEndpoint.get(key.endpointId) ?? []] as const)
}

function rangeOf({ workspaceId, since, until, bucket }: StatsKey): string {
  return `${workspaceId} ${since.getTime()} ${until.getTime()} ${bucket}`
}

function textOf(key: StatsKey): string {
  return `${rangeOf(key)} ${key.endpointId}`
}
