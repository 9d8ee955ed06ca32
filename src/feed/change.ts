/*
 * The order of the feed
 *
 * A row of `change` is written by the transaction that changes the statuses it reports: one row
 * for each transaction and workspace, its changes as parallel arrays. The feed's order is
 * (xid, id, index): the transaction, the row, the place in the row. It is the same for every
 * reader, and a cursor is a place in it.
 *
 * Why a reader cannot simply go by a counter. Transactions commit in another order than they
 * take numbers. A reader that has seen row 8 and asks for "rows after 8" never sees row 7 if
 * that commits later: a lost change. A sequence shared by all writers of a workspace would give
 * an order without gaps, but makes them wait for each other until they have committed.
 *
 * The fence. A transaction's xid is taken when it first writes. `pg_snapshot_xmin` is the oldest
 * xid that still runs, so every transaction below it has ended, and whatever it wrote is either
 * visible or rolled back. Readers stop there: no row can appear behind them any more. A row
 * becomes readable when the transactions older than it have ended, a few milliseconds later as
 * long as transactions are short.
 *
 * What limits it. One long writing transaction anywhere in the same PostgreSQL server, also in
 * another database, holds the feed up until it ends; nothing is lost, nothing else waits, and
 * `postrider_feed_lag_seconds` shows it. A fence of this database alone would have to be put
 * together from `pg_stat_activity`, which shows each session at another moment, hides those of
 * other users, and knows no prepared transactions: a fence that is too high once loses changes.
 * Transactions that only read have no xid and hold nothing up. The xid counter belongs to one
 * server, so a cursor is worth nothing on a copy restored elsewhere: one that lies ahead of the
 * counter is answered by a reset. Spread over several servers the order would have to be made
 * per workspace.
 *
 * The end of the feed as a place. "Everything below the fence was seen" is written as a place
 * after all rows of the transaction before the fence: (fence - 1, an id of now, 0). The id's time
 * says how old the place is, for retention and for the partitions to look at. Should a row of
 * that transaction carry a later id, because another machine's clock is ahead, it is read once
 * more: the feed promises at least once.
 */
import { feedReadChangesMax } from '../limits/live.ts'
import { uuidTime } from '../rules/id.ts'
import { readAttempts, type AttemptKey, type StoredAttempt } from '../store/attempt.ts'
import type { ChangePosition, StoredChange } from '../store/change.ts'
import type { DeliveryFilter } from '../store/delivery-filter.ts'
import { readDeliveries, type StoredDelivery } from '../store/delivery.ts'
import type { Read } from '../store/reads.ts'

/** A change with what it is about. */
export type FeedChange = StoredChange & {
  /** As it was at `readAtMs`. */
  readonly delivery: StoredDelivery
  /** The attempt that caused the change; null: none did, or nobody wanted to know. */
  readonly attempt: StoredAttempt | null
  /** In ms of `performance.now()`. */
  readonly readAtMs: number
}

/** Below 0: `a` comes first. */
export function comparePositions(a: ChangePosition, b: ChangePosition): number {
  if (a.xid !== b.xid) return a.xid < b.xid ? -1 : 1
  if (a.id !== b.id) return a.id < b.id ? -1 : 1
  return a.index - b.index
}

/** How far a read came: to its last change where there may be more, else to the end. */
export function readTo(
  after: ChangePosition,
  changes: readonly StoredChange[],
  end: ChangePosition,
): { readonly upTo: ChangePosition; readonly full: boolean } {
  const full = changes.length === feedReadChangesMax
  const last = changes.at(-1)?.position ?? after
  return { full, upTo: full || comparePositions(last, end) > 0 ? last : end }
}

/** When a place was the end of the feed, or its change was written, in ms. */
export function positionTime(position: ChangePosition): number {
  return uuidTime(position.id)
}

/** Changes of one workspace that are to be completed. */
export type Incomplete = {
  readonly workspaceId: string
  readonly changes: readonly StoredChange[]
  /** Whether somebody wants to know the attempts. */
  readonly withAttempts: boolean
}

/**
 * Adds deliveries and attempts to changes of one workspace, two statements whatever their number.
 * Changes of deliveries that retention has removed are left out: there is nothing left to show.
 */
export async function completeChanges(
  read: Read,
  { workspaceId, changes, withAttempts }: Incomplete,
): Promise<FeedChange[]> {
  if (changes.length === 0) return []
  const caused = withAttempts ? changes.filter((change) => change.attemptNumber > 0) : []
  const keys = caused.map(attemptKeyOf)
  const [deliveries, attempts] = await Promise.all([
    readDeliveries(read, workspaceId, [...new Set(changes.map((change) => change.deliveryId))]),
    keys.length > 0 ? readAttempts(read, workspaceId, keys) : [],
  ])
  const readAtMs = performance.now()
  const deliveryOf = new Map(deliveries.map((delivery) => [delivery.id, delivery]))
  const attemptOf = new Map(attempts.map((attempt) => [keyText(attempt), attempt]))
  return changes.flatMap((change) => {
    const delivery = deliveryOf.get(change.deliveryId)
    const attempt = attemptOf.get(keyText(attemptKeyOf(change))) ?? null
    return delivery ? [{ ...change, delivery, attempt, readAtMs }] : []
  })
}

function attemptKeyOf({ deliveryId, attemptNumber }: StoredChange): AttemptKey {
  return { deliveryId, number: attemptNumber }
}

function keyText({ deliveryId, number }: AttemptKey): string {
  return `${deliveryId} ${number}`
}

/**
 * Whether a subscriber asked for this change. The status is the one of the change, and result and
 * status code are those of the attempt that caused it: a change without an attempt (created,
 * retried or cancelled by a person) fits no condition on them. All else of a delivery never
 * changes.
 */
export function fits(filter: DeliveryFilter, change: FeedChange): boolean {
  const { delivery, attempt } = change
  const code = attempt?.statusCode ?? null
  const createdMs = () => uuidTime(delivery.id)
  return (
    isIn(filter.endpointIds, delivery.endpointId) &&
    (filter.eventId === null || filter.eventId === delivery.eventId) &&
    isIn(filter.eventTypes, delivery.eventType) &&
    isIn(filter.statuses, change.status) &&
    isIn(filter.triggers, delivery.trigger) &&
    isIn(filter.lastResults, attempt?.result ?? null) &&
    (filter.lastStatusCodeMin === null || (code !== null && code >= filter.lastStatusCodeMin)) &&
    (filter.lastStatusCodeMax === null || (code !== null && code <= filter.lastStatusCodeMax)) &&
    (filter.createdSince === null || createdMs() >= filter.createdSince.getTime()) &&
    (filter.createdUntil === null || createdMs() < filter.createdUntil.getTime())
  )
}

/** Whether a filter can be judged by without the attempts. */
export function looksAtAttempts(filter: DeliveryFilter): boolean {
  const { lastResults, lastStatusCodeMin, lastStatusCodeMax } = filter
  return lastResults !== null || lastStatusCodeMin !== null || lastStatusCodeMax !== null
}

function isIn<Value>(allowed: readonly Value[] | null, value: Value | null): boolean {
  return allowed === null || (value !== null && allowed.includes(value))
}
