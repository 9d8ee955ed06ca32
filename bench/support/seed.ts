import type { Pool } from 'pg'
import { createPartitionsAhead } from '../../src/store/partition.ts'

/** What a log is filled with: events at regular times, each to every one of the endpoints. */
export type SeedWish = {
  readonly workspaceId: string
  readonly endpointIds: readonly string[]
  readonly eventType: string
  readonly events: number
  readonly since: Date
  readonly until: Date
  readonly payloadText: string
}

const dayMs = 86_400_000

/** Every day's partition from `since` on. The program itself makes none of the past. */
export async function addPartitions(pool: Pool, since: Date): Promise<void> {
  for (let ms = since.getTime(); ms < Date.now() + dayMs; ms += dayMs) {
    await createPartitionsAhead(pool, new Date(ms))
  }
}

/** How a seeded delivery has ended, at its one attempt. */
export type SeedEnd = {
  readonly status: 'SUCCEEDED' | 'FAILED'
  readonly result: 'SUCCEEDED' | 'HTTP_ERROR'
  readonly statusCode: number
}

/**
 * Deliveries that have ended, with their attempts and changes, as the pipeline leaves them. Slices
 * of the time are filled by two connections at once.
 */
export async function seedEnded(pool: Pool, wish: SeedWish, end: SeedEnd): Promise<void> {
  const slices = slicesOf(wish)
  const fill = async () => {
    for (let slice = slices.shift(); slice; slice = slices.shift()) {
      await pool.query(seedEndedSql, [
        ...[slice.workspaceId, slice.endpointIds, slice.eventType, slice.events],
        ...[slice.since.toISOString(), slice.until.toISOString(), slice.payloadText],
        ...[end.status, end.result, end.statusCode, requestHeaders],
      ])
    }
  }
  await Promise.all([fill(), fill()])
}

/** Deliveries that wait for their first attempt, due since they were published. */
export async function seedWaiting(pool: Pool, wish: SeedWish): Promise<void> {
  for (const slice of slicesOf(wish)) {
    await pool.query(seedWaitingSql, [
      ...[slice.workspaceId, slice.endpointIds, slice.eventType, slice.events],
      ...[slice.since.toISOString(), slice.until.toISOString(), slice.payloadText],
    ])
  }
}

/** About 100,000 deliveries each: larger ones spill to disk. */
function slicesOf(wish: SeedWish): SeedWish[] {
  const count = Math.ceil((wish.events * wish.endpointIds.length) / 100_000)
  const [since, until] = [wish.since.getTime(), wish.until.getTime()]
  const at = (index: number) => new Date(since + ((until - since) * index) / count)
  const upTo = (index: number) => Math.round((wish.events * index) / count)
  return Array.from({ length: count }, (_, index) => ({
    ...wish,
    events: upTo(index + 1) - upTo(index),
    since: at(index),
    until: at(index + 1),
  }))
}

/** As long as those that are sent. */
const requestHeaders = [
  'content-type: application/json',
  'user-agent: Postrider/0.1.0',
  'webhook-id: evt_01m81eys2geaxbq0atm6pdvjqj',
  'webhook-timestamp: 1795345200',
  `webhook-signature: v1,${'k'.repeat(43)}=`,
].join('\n')

/** Ids of the past, in the order of their times; a delivery's last 12 bits are zero. */
const rows = `
with new_event as materialized (
  select uuidv7(at - clock_timestamp()) as id, at
  from generate_series(0, $4::int - 1) as n
  cross join lateral (
    select $5::timestamptz + ($6::timestamptz - $5::timestamptz) * n / $4::int as at
  ) as time
), new_delivery as materialized (
  select overlay(uuidv7(at - clock_timestamp())::text placing '000' from 34)::uuid as id,
    endpoint_id, new_event.id as event_id, date_trunc('milliseconds', at) as at
  from new_event cross join unnest($2::uuid[]) as endpoint_id
), inserted_event as (
  insert into event (id, workspace_id, event_type, payload, occurred_at)
  select id, $1::uuid, $3, $7, at from new_event
)`

const seedEndedSql = `/* seedEnded */ ${rows}, inserted_delivery as (
  insert into delivery
    (id, workspace_id, endpoint_id, event_id, event_type, status, trigger, attempt_count,
     completed_at, last_result, last_status_code)
  select id, $1, endpoint_id, event_id, $3, $8::delivery_status, 'EVENT', 1,
    at + interval '20 ms', $9::attempt_result, $10::smallint
  from new_delivery
), inserted_attempt as (
  insert into attempt
    (delivery_id, number, workspace_id, endpoint_id, trigger, result, error_message, started_at,
     duration_ms, url, request_headers, status_code, response_headers, response_body,
     response_body_truncated)
  select id, 1, $1, endpoint_id, 'SCHEDULED', $9::attempt_result,
    case when $9 <> 'SUCCEEDED' then 'The receiver answered with an error.' end, at, 12,
    'https://receiver.example/webhooks', $11, $10::smallint, 'content-length: 0', '', false
  from new_delivery
)
insert into change
  (id, workspace_id, changed_at, delivery_ids, statuses, previous_statuses, attempt_numbers)
select uuidv7(min(at) - clock_timestamp()), $1, min(at), array_agg(id), array_agg(status),
  array_agg(previous), array_agg(number)
from new_delivery
cross join (values
  ('PENDING'::delivery_status, null::delivery_status, 0::smallint), ($8, 'PENDING', 1::smallint)
) as step (status, previous, number)
group by event_id, number`

const seedWaitingSql = `/* seedWaiting */ ${rows}, inserted_delivery as (
  insert into delivery
    (id, workspace_id, endpoint_id, event_id, event_type, status, trigger, next_attempt_at)
  select id, $1, endpoint_id, event_id, $3, 'PENDING', 'EVENT', at from new_delivery
), inserted_due as (
  insert into due
    (endpoint_id, due_at, delivery_id, workspace_id, event_id, attempt_count, failures,
     attempt_trigger)
  select endpoint_id, at, id, $1, event_id, 0, 0, 'SCHEDULED' from new_delivery
)
insert into change
  (id, workspace_id, changed_at, delivery_ids, statuses, previous_statuses, attempt_numbers)
select uuidv7(min(at) - clock_timestamp()), $1, min(at), array_agg(id),
  array_agg('PENDING'::delivery_status), array_agg(null::delivery_status), array_agg(0::smallint)
from new_delivery group by event_id`
