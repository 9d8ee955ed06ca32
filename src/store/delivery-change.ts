import type { Queryable } from '../db.ts'
import type { DeliveryStatus } from '../rules/delivery-state.ts'
import type { TenantKey } from './endpoint.ts'

/** A delivery as a person's wish finds it, locked until the commit. */
export type LockedDelivery = TenantKey & {
  readonly status: DeliveryStatus
  readonly attemptCount: number
  readonly nextAttemptAt: Date | null
  readonly endpointId: string
  readonly endpointState: 'ENABLED' | 'DISABLED' | 'DELETED'
  readonly ordered: boolean
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
 * whichever result comes first is recorded. An ordered endpoint's delivery keeps its place in the
 * line, which is its creation for one that has left it. As everywhere `next_attempt_at` is
 * `coalesce(held_until, due_at)`.
 */
export async function requeueDelivery(db: Queryable, change: DeliveryChange): Promise<void> {
  const { delivery, at } = change
  await db.query({
    name: 'requeueDelivery',
    text: requeueSql,
    values: [...changeValues(change), delivery.ordered, creation(delivery, at).toISOString()],
  })
}
