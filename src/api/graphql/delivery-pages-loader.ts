import DataLoader from 'dataloader'
import {
  type DeliveryPage,
  listDeliveriesOf,
  type OwnedSelection,
} from '../../store/delivery-list.ts'
import type { Read } from '../../store/reads.ts'
import type { LogSlice } from '../../store/log-span.ts'

/** One page of the deliveries of one endpoint or event. */
export type DeliveryPageKey = Omit<OwnedSelection, 'ownerIds'> & {
  readonly ownerId: string
  readonly slice: LogSlice
}

/** Pages by what they are of: those that ask for the same of many share a statement. */
export function newDeliveryPagesLoader(read: Read) {
  return new DataLoader<DeliveryPageKey, DeliveryPage, string>(
    async (keys) => {
      const batches = [...Map.groupBy(keys, askedText).values()]
      const pages = new Map(
        (await Promise.all(batches.map((some) => readBatch(read, some)))).flat(),
      )
      return keys.map((key) => pages.get(textOf(key)) ?? { rows: [], fence: 0n })
    },
    { cacheKeyFn: textOf },
  )
}

async function readBatch(read: Read, batch: readonly DeliveryPageKey[]) {
  const [first] = batch
  if (!first) return []
  const selection = { ...first, ownerIds: batch.map((key) => key.ownerId) }
  const { rowsOf, fence } = await listDeliveriesOf(read, selection, first.slice)
  return batch.map((key) => {
    return [textOf(key), { rows: rowsOf.get(key.ownerId) ?? [], fence }] as const
  })
}

function askedText({ owner, workspaceId, filter, slice }: DeliveryPageKey): string {
  return JSON.stringify([owner, workspaceId, filter, slice])
}

function textOf(key: DeliveryPageKey): string {
  return `${key.ownerId} ${askedText(key)}`
}
