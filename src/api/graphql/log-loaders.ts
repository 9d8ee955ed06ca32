import DataLoader from 'dataloader'
import { attemptUuid, readAttemptUuid } from '../../rules/id.ts'
import {
  type AttemptKey,
  readAttempts,
  readAttemptsOf,
  readExchanges,
  type StoredAttempt,
} from '../../store/attempt.ts'
import { readDeliveries } from '../../store/delivery.ts'
import type { TenantKey } from '../../store/endpoint.ts'
import { readEvents, readPayloads } from '../../store/event.ts'
import { findDeliveryOwners, findEventOwners, type LogOwner } from '../../store/log-owners.ts'
import type { Read } from '../../store/reads.ts'
import { newDeliveryPagesLoader } from './delivery-pages-loader.ts'
import { newStatsLoader } from './stats-loader.ts'

/** Rows of the log by key, each statement once for all that a request asks for. */
export function newLogLoaders(read: Read) {
  return {
    event: byKey((workspaceId, ids) => readEvents(read, workspaceId, ids)),
    payload: byKey((workspaceId, ids) => readPayloads(read, workspaceId, ids)),
    delivery: byKey((workspaceId, ids) => readDeliveries(read, workspaceId, ids)),
    /** By the attempt's own id. */
    attempt: byKey(async (workspaceId, ids) => {
      return withIds(await readAttempts(read, workspaceId, ids.map(attemptKeyOf)))
    }),
    /** By the attempt's own id. */
    exchange: byKey(async (workspaceId, ids) => {
      return withIds(await readExchanges(read, workspaceId, ids.map(attemptKeyOf)))
    }),
    /** By the delivery's id, oldest first. */
    attemptsOf: newAttemptsLoader(read),
    /** By the endpoint or event whose deliveries they are. */
    deliveryPages: newDeliveryPagesLoader(read),
    stats: newStatsLoader(read),
    /** The workspaces of rows, for the operator. */
    eventOwner: byOwner((ids) => findEventOwners(read, ids)),
    deliveryOwner: byOwner((ids) => findDeliveryOwners(read, ids)),
  }
}

type Find<Row> = (workspaceId: string, ids: readonly string[]) => Promise<readonly Row[]>

/** One statement for each workspace: a request of a workspace's own key makes one. */
function byKey<Row extends { readonly id: string }>(find: Find<Row>) {
  return new DataLoader<TenantKey, Row | null, string>(
    async (keys) => {
      const rows = await findAll(keys, find)
      return keys.map((key) => rows.get(textOf(key))?.[0] ?? null)
    },
    { cacheKeyFn: textOf },
  )
}

function newAttemptsLoader(read: Read) {
  return new DataLoader<TenantKey, readonly StoredAttempt[], string>(
    async (keys) => {
      const rows = await findAll(keys, async (workspaceId, ids) => {
        const attempts = await readAttemptsOf(read, workspaceId, ids)
        return attempts.map((attempt) => ({ id: attempt.deliveryId, attempt }))
      })
      return keys.map((key) => (rows.get(textOf(key)) ?? []).map(({ attempt }) => attempt))
    },
    { cacheKeyFn: textOf },
  )
}

async function findAll<Row extends { readonly id: string }>(
  keys: readonly TenantKey[],
  find: Find<Row>,
): Promise<Map<string, Row[]>> {
  const found = await Promise.all(
    [...Map.groupBy(keys, (key) => key.workspaceId)].map(async ([workspaceId, some]) => {
      const rows = await find(
        workspaceId,
        some.map((key) => key.id),
      )
      return rows.map((row) => ({ key: textOf({ workspaceId, id: row.id }), row }))
    }),
  )
  const rows = new Map<string, Row[]>()
  for (const { key, row } of found.flat()) {
    const some = rows.get(key)
    if (some) some.push(row)
    else rows.set(key, [row])
  }
  return rows
}

function byOwner(find: (ids: readonly string[]) => Promise<readonly LogOwner[]>) {
  return new DataLoader<string, LogOwner | null>(async (ids) => {
    const owners = new Map((await find(ids)).map((owner) => [owner.id, owner]))
    return ids.map((id) => owners.get(id) ?? null)
  })
}

function attemptKeyOf(id: string): AttemptKey {
  const { deliveryUuid, number } = readAttemptUuid(id)
  return { deliveryId: deliveryUuid, number }
}

function withIds<Row extends AttemptKey>(rows: readonly Row[]): (Row & { readonly id: string })[] {
  return rows.map((row) => ({ ...row, id: attemptUuid(row.deliveryId, row.number) }))
}

function textOf({ workspaceId, id }: TenantKey): string {
  return `${workspaceId} ${id}`
}
