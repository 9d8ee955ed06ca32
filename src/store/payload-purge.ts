import type { Queryable } from '../db.ts'
import type { Actor } from '../model/audit-entry.ts'
import type { TenantKey } from './endpoint.ts'

/** A wish to have the payload of one event gone. */
export type PayloadPurge = {
  /** The event. */
  readonly key: TenantKey
  readonly actor: Actor
  readonly at: Date
  /** Of its entry in the audit log. */
  readonly auditEntryId: string
  /** Of the feed's row. */
  readonly changeId: string
}

/**
 * Removes the payload, and notes it in the audit log; where it is gone already, neither. Its hash
 * goes as well: a payload of few possible values can be guessed by it. The key stays, so that a
 * publish that is repeated does not bring the payload back.
 */
export async function purgeEvent(db: Queryable, purge: PayloadPurge): Promise<void> {
  const { key, actor, at, auditEntryId } = purge
  const noted = [auditEntryId, actor.type, actor.apiKeyId, actor.apiKeyName]
  await db.query({
    name: 'purgeEvent',
    text: `/* purgeEvent */
      with purged as (
        update event set payload = null, payload_purged_at = $3
        where id = $1 and workspace_id = $2 and payload_purged_at is null
        returning id, workspace_id, idempotency_key
      ), unhashed as (
        update idempotency_key set request_hash = null from purged
        where idempotency_key.workspace_id = $2 and key = purged.idempotency_key
      )
      insert into audit_entry (id, workspace_id, action, target_id, actor, api_key_id, api_key_name)
      select $4, workspace_id, 'EVENT_PAYLOAD_PURGED', id, $5, $6, $7 from purged`,
    values: [key.id, key.workspaceId, at.toISOString(), ...noted],
  })
}

/** A delivery of the event. `waited`: it was to be attempted, and is cancelled now. */
export type PurgedDelivery = {
  readonly id: string
  readonly endpointId: string
  readonly waited: boolean
}

/**
 * Marks the event's deliveries, so that what a request in flight brings back is not kept either,
 * and cancels those that wait: there is nothing left to send.
 */
export async function purgeDeliveries(
  db: Queryable,
  { key, at, changeId }: PayloadPurge,
): Promise<PurgedDelivery[]> {
  const { rows } = await db.query<PurgedDelivery>({
    name: 'purgeDeliveries',
    text: purgeDeliveriesSql,
    values: [key.id, key.workspaceId, at.toISOString(), changeId],
  })
  return rows
}

// Its row in `due` is at most as late as its next attempt; the lanes are told by the version.
// Fails where it was `overtaken`, see conflict.ts: the event was locked, and an id given, before.
const purgeDeliveriesSql = `/* purgeDeliveries */
with held as materialized (
  select id, endpoint_id, next_attempt_at, status, status in ('PENDING', 'RETRYING') as waited
  from delivery
  where event_id = $1 and workspace_id = $2 and payload_purged_at is null
  order by id for update
), purged as (
  update delivery set payload_purged_at = $3,
    status = case when held.waited then 'CANCELED' else delivery.status end,
    next_attempt_at = null, completed_at = coalesce(delivery.completed_at, $3)
  from held where delivery.id = held.id and delivery.workspace_id = $2
  returning age(old.xmin) < 0 as overtaken
), gone as (
  delete from due using held
  where held.waited and due.endpoint_id = held.endpoint_id and due.workspace_id = $2
    and due.due_at <= held.next_attempt_at and due.delivery_id = held.id
), told as (
  update endpoint set version = version + 1
  where workspace_id = $2 and id in (select endpoint_id from held where waited)
), changed as (
  insert into change
    (id, workspace_id, changed_at, delivery_ids, statuses, previous_statuses, attempt_numbers)
  select $4, $2, $3, array_agg(id), array_agg('CANCELED'::delivery_status), array_agg(status),
    array_agg(0::smallint)
  from held where waited
  having count(*) > 0 and 1 / (select (not bool_or(overtaken))::int from purged) = 1
)
select id, endpoint_id as "endpointId", waited from held`

/** Removes what receivers answered: an answer may repeat what it was sent. */
export async function purgeAttempts(
  db: Queryable,
  workspaceId: string,
  deliveryIds: readonly string[],
): Promise<void> {
  await db.query({
    name: 'purgeAttempts',
    text: `/* purgeAttempts */
      update attempt set response_body = null, response_headers = null
      where delivery_id = any($1::uuid[]) and workspace_id = $2
        and (response_body is not null or response_headers is not null)`,
    values: [deliveryIds, workspaceId],
  })
}
