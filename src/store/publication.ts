import type { Queryable } from '../db.ts'
import type { DeliveryStatus, DeliveryTrigger } from '../rules/delivery-state.ts'
import { plainArray, textArray, timeArray } from './sql-array.ts'
import type { SubscriptionVersions } from './subscription.ts'

/** An event with its id and times. */
export type EventRow = {
  readonly eventId: string
  readonly workspaceId: string
  readonly eventType: string
  readonly payloadText: string
  readonly idempotencyKey: string | null
  readonly occurredAt: Date
  readonly deliverAt: Date | null
  /** Of the span that published it; null: tracing is off. */
  readonly traceparent: string | null
}

/** One event on its way to one endpoint. */
export type DeliveryRow = {
  readonly deliveryId: string
  readonly workspaceId: string
  readonly endpointId: string
  readonly event: EventRow
  readonly status: Extract<DeliveryStatus, 'PENDING' | 'SUPPRESSED'>
  readonly trigger: DeliveryTrigger
  readonly dueAt: Date
}

/** Rows that are stored together or not at all. */
export type Publication = {
  readonly events: readonly EventRow[]
  readonly deliveries: readonly DeliveryRow[]
  /** Id of the feed's rows, one for each workspace. */
  readonly changeId: string
  readonly at: Date
  /** Stored only if subscriptions and catalogue are still of these versions; null: in any case. */
  readonly asOf: SubscriptionVersions | null
}

/**
 * Events, their deliveries, the work that is due and the changes for the feed, in one statement:
 * one round trip, one transaction, all or nothing (promise P1). False: `asOf` does not hold any
 * more, and nothing is stored.
 */
export async function insertPublication(db: Queryable, publication: Publication): Promise<boolean> {
  const { rows } = await db.query<Stored>({
    name: 'insertPublication',
    text: insertPublicationSql,
    values: publicationValues(publication),
  })
  return rows[0]?.stored ?? false
}

type Stored = { readonly stored: boolean }

/**
 * The same, and takes the idempotency keys of its events. Where one of them was taken before,
 * nothing is stored, and it answers false; or, where that was just now, fails in the way that
 * `gaveWay` tells.
 */
export async function insertKeyedPublication(
  db: Queryable,
  publication: Publication,
  keys: KeysWish,
): Promise<boolean> {
  const { rows } = await db.query<Stored>({
    name: 'insertKeyedPublication',
    text: insertKeyedPublicationSql,
    values: [...publicationValues(publication), ...keyValues(keys)],
  })
  return rows[0]?.stored ?? false
}

function publicationValues({ events, deliveries, changeId, at, asOf }: Publication): unknown[] {
  return [
    plainArray(events.map((event) => event.eventId)),
    plainArray(events.map((event) => event.workspaceId)),
    textArray(events.map((event) => event.eventType)),
    textArray(events.map((event) => event.payloadText)),
    textArray(events.map((event) => event.idempotencyKey)),
    timeArray(events.map((event) => event.occurredAt)),
    timeArray(events.map((event) => event.deliverAt)),
    plainArray(deliveries.map((delivery) => delivery.deliveryId)),
    plainArray(deliveries.map((delivery) => delivery.workspaceId)),
    plainArray(deliveries.map((delivery) => delivery.endpointId)),
    plainArray(deliveries.map((delivery) => delivery.event.eventId)),
    textArray(deliveries.map((delivery) => delivery.event.eventType)),
    plainArray(deliveries.map((delivery) => delivery.status)),
    plainArray(deliveries.map((delivery) => delivery.trigger)),
    timeArray(deliveries.map((delivery) => delivery.dueAt)),
    changeId,
    at.toISOString(),
    textArray(events.map((event) => event.traceparent)),
    asOf?.catalogue ?? null,
    plainArray([...(asOf?.workspaces.keys() ?? [])]),
    plainArray([...(asOf?.workspaces.values() ?? [])]),
  ]
}

const currentSql = `current as materialized (
  select $19::bigint is null or (
    exists (select from catalogue where version = $19) and not exists (
      select from unnest($20::uuid[], $21::bigint[]) as known (id, version)
      where not exists (
        select from workspace where workspace.id = known.id and workspace.deleted_at is null
          and workspace.subscriptions_version = known.version))) as holds
)`

/** `condition`: nothing is stored where it does not hold. */
function publicationSql(condition: string): string {
  return `new_event as (
  insert into event
    (id, workspace_id, event_type, payload, idempotency_key, occurred_at, deliver_at,
     traceparent)
  select * from unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[],
    $6::timestamptz[], $7::timestamptz[], $18::text[])
  where ${condition}
), entry as materialized (
  select * from unnest(
    $8::uuid[], $9::uuid[], $10::uuid[], $11::uuid[], $12::text[],
    $13::delivery_status[], $14::delivery_trigger[], $15::timestamptz[])
    as entry (id, workspace_id, endpoint_id, event_id, event_type, status, trigger, due_at)
  where ${condition}
), new_delivery as (
  insert into delivery
    (id, workspace_id, endpoint_id, event_id, event_type, status, trigger,
     next_attempt_at, completed_at)
  select id, workspace_id, endpoint_id, event_id, event_type, status, trigger,
    case status when 'PENDING' then due_at end,
    case status when 'SUPPRESSED' then $17::timestamptz end
  from entry
), new_due as (
  insert into due
    (endpoint_id, due_at, delivery_id, workspace_id, event_id,
     attempt_count, failures, attempt_trigger)
  select endpoint_id, due_at, id, workspace_id, event_id, 0, 0, 'SCHEDULED'
  from entry where status = 'PENDING'
), new_change as (
  insert into change
    (id, workspace_id, changed_at, delivery_ids, statuses, previous_statuses, attempt_numbers)
  select $16::uuid, workspace_id, $17::timestamptz, array_agg(id), array_agg(status),
    array_agg(null::delivery_status), array_agg(0::smallint)
  from entry group by workspace_id
)
select ${condition} as stored`
}

const insertPublicationSql = `/* insertPublication */
with ${currentSql}, ${publicationSql('(select holds from current)')}`

// Where a key is not `free`, nothing is stored. One that became taken since this statement began is
// only seen as ours are taken: these must go back, so the statement fails.
const insertKeyedPublicationSql = `/* insertKeyedPublication */
with ${currentSql}, free as materialized (
  select holds and not exists (
    select from idempotency_key where workspace_id = $22::uuid and key = any($24::text[])) as holds
  from current
), taken as (
  insert into idempotency_key (workspace_id, key, event_id, request_hash, created_at)
  select $22::uuid, key, event_id, request_hash, $23::timestamptz
  from unnest($24::text[], $25::uuid[], $26::bytea[]) as wish (key, event_id, request_hash)
  where (select holds from free)
  on conflict (workspace_id, key) do nothing
  returning key
), all_taken as materialized (
  select case when holds
    then 1 / ((select count(*) from taken) = cardinality($24::text[]))::int = 1
    else false end as holds
  from free
), ${publicationSql('(select holds from all_taken)')}`

/** A key that was taken before, with what it was taken for. */
export type TakenKey = {
  readonly key: string
  readonly eventId: string
  /** Null: the payload was purged, and with it what could tell another from it. */
  readonly requestHash: Buffer | null
  readonly createdAt: Date
}

/**
 * Takes idempotency keys for new events, inside the caller's transaction. Waits for a rival that
 * has not committed yet. Answers the keys that were taken before, with the event they stand for.
 */
export async function takeKeys(db: Queryable, keys: KeysWish): Promise<TakenKey[]> {
  const taken = await db.query<{ key: string }>({
    name: 'takeKeys',
    text: `/* takeKeys */
      insert into idempotency_key (workspace_id, key, event_id, request_hash, created_at)
      select $1::uuid, key, event_id, request_hash, $2::timestamptz
      from unnest($3::text[], $4::uuid[], $5::bytea[]) as wish (key, event_id, request_hash)
      on conflict (workspace_id, key) do nothing
      returning key`,
    values: keyValues(keys),
  })
  if (taken.rows.length === keys.rows.length) return []
  const ours = new Set(taken.rows.map((row) => row.key))
  const others = keys.rows.map((row) => row.key).filter((key) => !ours.has(key))
  return readKeys(db, keys.workspaceId, others)
}

/** Keys of one workspace, each once. */
export type KeysWish = {
  readonly workspaceId: string
  readonly at: Date
  readonly rows: readonly KeyRow[]
}

/** Sorted, so that two batches with the same keys cannot deadlock. */
function keyValues({ workspaceId, at, rows }: KeysWish): unknown[] {
  const sorted = rows.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  return [
    workspaceId,
    at.toISOString(),
    sorted.map((row) => row.key),
    sorted.map((row) => row.eventId),
    sorted.map((row) => row.requestHash),
  ]
}

/** A key to be taken, and what for. */
export type KeyRow = {
  readonly key: string
  readonly eventId: string
  readonly requestHash: Buffer
}

/** Which of these keys are taken, by transactions that have committed or are the caller's own. */
export async function readKeys(
  db: Queryable,
  workspaceId: string,
  names: readonly string[],
): Promise<TakenKey[]> {
  const { rows } = await db.query<TakenKey>({
    name: 'readKeys',
    text: `/* readKeys */
      select key, event_id as "eventId", request_hash as "requestHash", created_at as "createdAt"
      from idempotency_key where workspace_id = $1 and key = any($2::text[])`,
    values: [workspaceId, names],
  })
  return rows
}

/** Deliveries that publishing the given events created. */
export async function countDeliveriesOf(
  db: Queryable,
  workspaceId: string,
  eventIds: readonly string[],
): Promise<Map<string, number>> {
  if (eventIds.length === 0) return new Map()
  const { rows } = await db.query<{ eventId: string; count: number }>({
    name: 'countDeliveriesOf',
    text: `/* countDeliveriesOf */
      select event_id as "eventId", count(*)::int as count from delivery
      where workspace_id = $1 and event_id = any($2::uuid[]) and trigger = 'EVENT'
      group by event_id`,
    values: [workspaceId, eventIds],
  })
  return new Map(rows.map((row) => [row.eventId, row.count]))
}
