import type { Queryable } from '../db.ts'
import type { DeliveryStatus } from '../rules/delivery-state.ts'
import { uuidTime } from '../rules/id.ts'
import type { TenantKey } from './endpoint.ts'

/** A delivery as a person's wish finds it, locked until the commit. */
export type LockedDelivery = TenantKey & {
  readonly status: DeliveryStatus
  readonly attemptCount: number
  readonly nextAttemptAt: Date | null
  readonly endpointId: string
  readonly endpointState: 'ENABLED' | 'DISABLED' | 'DELETED'
  readonly ordered: boolean
  readonly payloadPurgedAt: Date | null
}

/**
 * Locked before anything is decided: a result that is being recorded is waited for, and what
 * follows sees all that it changed. The row in `due` is written after the delivery's, here as
 * there, so the two cannot deadlock.
 */
export async function lockDelivery(
  db: Queryable,
  { workspaceId, id }: TenantKey,
): Promise<LockedDelivery | null> {
  const { rows } = await db.query<LockedDelivery>({
    name: 'lockDelivery',
    text: `/* lockDelivery */
      select delivery.id, delivery.workspace_id as "workspaceId", delivery.status,
        delivery.attempt_count as "attemptCount", delivery.next_attempt_at as "nextAttemptAt",
        delivery.endpoint_id as "endpointId", endpoint.ordered,
        delivery.payload_purged_at as "payloadPurgedAt",
        case when endpoint.deleted_at is not null then 'DELETED' else endpoint.status::text end
          as "endpointState"
      from delivery
      join endpoint
        on endpoint.id = delivery.endpoint_id and endpoint.workspace_id = delivery.workspace_id
      where delivery.id = $1 and delivery.workspace_id = $2
      for update of delivery`,
    values: [id, workspaceId],
  })
  return rows[0] ?? null
}

/** What becomes of a locked delivery. */
export type DeliveryChange = {
  readonly delivery: LockedDelivery
  readonly status: DeliveryStatus
  readonly changeId: string
  readonly at: Date
}

/**
 * Makes a delivery due at once, at the start of its retry schedule. Where it waits already, its
 * row in `due` moves; `attempt_count` stays, so that of a request in flight and the new one
 * whichever result comes first is recorded. In an ordered endpoint it keeps its place in the line;
 * one that had left the line is put where it was created. As everywhere `next_attempt_at` is
 * `coalesce(held_until, due_at)`.
 */
export async function requeueDelivery(db: Queryable, change: DeliveryChange): Promise<void> {
  const { delivery, at } = change
  // The time in an id can be ahead of the clock, where that was set back.
  const created = new Date(Math.min(uuidTime(delivery.id), at.getTime()))
  const place = delivery.ordered ? created : at
  await db.query({
    name: 'requeueDelivery',
    text: requeueSql,
    values: [...changeValues(change), delivery.ordered, place.toISOString()],
  })
}

/** Ends a delivery that waits. A request that is in flight is not called back; it is logged. */
export async function cancelDelivery(db: Queryable, change: DeliveryChange): Promise<void> {
  await db.query({ name: 'cancelDelivery', text: cancelSql, values: changeValues(change) })
}

function changeValues({ delivery, status, changeId, at }: DeliveryChange): unknown[] {
  const { id, workspaceId, endpointId, nextAttemptAt } = delivery
  const was = [nextAttemptAt?.toISOString() ?? null, delivery.status]
  return [id, workspaceId, endpointId, ...was, status, changeId, at.toISOString()]
}

// Its row in `due`: at most as late as its next attempt, so that of a long backlog only the part
// before it is looked through.
const waits = `due.endpoint_id = $3 and due.due_at <= $4::timestamptz and due.delivery_id = $1
  and due.workspace_id = $2`

const reported = `insert into change
  (id, workspace_id, changed_at, delivery_ids, statuses, previous_statuses, attempt_numbers)
values ($7::uuid, $2, $8::timestamptz, array[$1::uuid], array[$6::delivery_status],
  array[$5::delivery_status], '{0}')`

// Its lane, in whatever process, may hold the row as it was: told by the version, it reads again.
const laneTold = `update endpoint set version = version + 1 where id = $3 and workspace_id = $2`

// A person wants it now: neither a pause holds it back nor an open circuit, whose probe it is.
const unparked = `update endpoint_health set parked_until = $8::timestamptz
where endpoint_id = $3 and workspace_id = $2 and parked_until > $8::timestamptz`

// A row of an ordered endpoint may be left where it is put again, by a result and a cancel that
// were recorded at once: it is taken over.
// Two results, cancels and retries at once can leave two rows: one is kept, or both would be put
// into one place.
const requeueSql = `/* requeueDelivery */
with first as materialized (
  select min(due_at) as due_at from due where ${waits}
), moved as (
  update due set
    due_at = case when $9 then due.due_at else $8::timestamptz end,
    held_until = case when $9 and due.due_at < $8::timestamptz then $8::timestamptz end,
    failures = 0, attempt_trigger = 'MANUAL'
  from first
  where due.endpoint_id = $3 and due.due_at = first.due_at and due.delivery_id = $1
    and due.workspace_id = $2
  returning due.delivery_id
), spare as (
  delete from due using first where ${waits} and due.due_at > first.due_at
), waiting as (
  update delivery
  set status = $6::delivery_status, next_attempt_at = $8::timestamptz, completed_at = null
  where id = $1 and workspace_id = $2
  returning id, workspace_id, endpoint_id, event_id, attempt_count
), added as (
  insert into due
    (endpoint_id, due_at, delivery_id, workspace_id, event_id, held_until, attempt_count,
     failures, attempt_trigger)
  select endpoint_id, $10::timestamptz, id, workspace_id, event_id,
    case when $10::timestamptz < $8::timestamptz then $8::timestamptz end, attempt_count,
    0, 'MANUAL'
  from waiting where not exists (select from moved)
  on conflict (endpoint_id, due_at, delivery_id) do update set
    held_until = excluded.held_until, attempt_count = excluded.attempt_count, failures = 0,
    attempt_trigger = 'MANUAL'
), told as (${laneTold}), unparked as (${unparked})
${reported}`

const cancelSql = `/* cancelDelivery */
with gone as (
  delete from due where ${waits}
), ended as (
  update delivery
  set status = $6::delivery_status, next_attempt_at = null, completed_at = $8::timestamptz
  where id = $1 and workspace_id = $2
), told as (${laneTold})
${reported}`
