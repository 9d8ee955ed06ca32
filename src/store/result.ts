import type { Queryable } from '../db.ts'
import type { Health } from '../rules/circuit.ts'
import type { AttemptTrigger, DeliveryStatus } from '../rules/delivery-state.ts'
import type { AttemptResult } from '../rules/outcome.ts'
import { plainArray, textArray, timeArray } from './sql-array.ts'

/** One attempt with what follows from it, as it is stored. */
export type ResultRow = {
  readonly deliveryId: string
  readonly workspaceId: string
  readonly endpointId: string
  /** The key of its row in `due` as it was loaded, and the time it was due then. */
  readonly loadedDueAt: Date
  readonly loadedNextAt: Date
  readonly number: number
  readonly trigger: AttemptTrigger
  readonly status: DeliveryStatus
  readonly failures: number
  readonly nextAttemptAt: Date | null
  readonly nextDueAt: Date | null
  readonly result: AttemptResult
  readonly errorMessage: string | null
  readonly startedAt: Date
  readonly durationMs: number
  readonly url: string
  readonly requestHeaders: string
  readonly statusCode: number | null
  readonly responseHeaders: string | null
  readonly responseBody: Buffer | null
  readonly responseBodyTruncated: boolean
}

/** An endpoint's health and when it was so. */
export type HealthRow = Health & {
  readonly endpointId: string
  readonly workspaceId: string
  readonly asOf: Date
}

/** What one transaction stores. */
export type RecordedResults = {
  readonly results: readonly ResultRow[]
  /** At most one for each endpoint. */
  readonly health: readonly HealthRow[]
  readonly changeId: string
  readonly at: Date
}

/** A delivery after its result. */
export type RecordedDelivery = {
  readonly status: DeliveryStatus
  /** Null: it has ended. */
  readonly nextAttemptAt: Date | null
}

/**
 * Results of many lanes in one statement. Each counts only if its delivery still has the attempt
 * count it was loaded with (D3): a zombie's late result changes nothing. Answers what became of
 * each delivery whose result counted. To be done again where it was overtaken.
 */
export async function recordResults(
  db: Queryable,
  batch: RecordedResults,
): Promise<Map<string, RecordedDelivery>> {
  const { rows } = await db.query<RecordedDelivery & { id: string }>({
    name: 'recordResults',
    text: recordResultsSql,
    values: [
      ...resultColumns(batch.results),
      ...healthColumns(batch.health),
      batch.changeId,
      batch.at.toISOString(),
    ],
  })
  return new Map(rows.map((row) => [row.id, row]))
}

function resultColumns(results: readonly ResultRow[]): unknown[] {
  return [
    plainArray(results.map((row) => row.deliveryId)),
    plainArray(results.map((row) => row.workspaceId)),
    plainArray(results.map((row) => row.endpointId)),
    timeArray(results.map((row) => row.loadedDueAt)),
    timeArray(results.map((row) => row.loadedNextAt)),
    plainArray(results.map((row) => row.number)),
    plainArray(results.map((row) => row.trigger)),
    plainArray(results.map((row) => row.status)),
    plainArray(results.map((row) => row.failures)),
    timeArray(results.map((row) => row.nextAttemptAt)),
    timeArray(results.map((row) => row.nextDueAt)),
    plainArray(results.map((row) => row.result)),
    textArray(results.map((row) => row.errorMessage)),
    timeArray(results.map((row) => row.startedAt)),
    plainArray(results.map((row) => row.durationMs)),
    textArray(results.map((row) => row.url)),
    textArray(results.map((row) => row.requestHeaders)),
    plainArray(results.map((row) => row.statusCode)),
    textArray(results.map((row) => row.responseHeaders)),
    results.map((row) => row.responseBody),
    plainArray(results.map((row) => row.responseBodyTruncated)),
  ]
}

function healthColumns(health: readonly HealthRow[]): unknown[] {
  return [
    plainArray(health.map((row) => row.endpointId)),
    plainArray(health.map((row) => row.workspaceId)),
    plainArray(health.map((row) => row.consecutiveFailures)),
    timeArray(health.map((row) => row.failingSince)),
    timeArray(health.map((row) => row.lastSuccessAt)),
    plainArray(health.map((row) => row.circuit)),
    timeArray(health.map((row) => row.parkedUntil)),
    timeArray(health.map((row) => row.asOf)),
    timeArray(health.map((row) => row.downSince)),
  ]
}

// `settled` decides by the fence; everything else follows from its rows, in the order that all
// writers keep: the delivery first, then its row in `due`.
// A delivery cancelled meanwhile stays cancelled, its attempt is logged (D5). One that a person
// retried meanwhile (`moved`) keeps that retry unless this attempt succeeded (D6).
// Its row in `due` is found by the key it was loaded with, or by one that a person may have given
// it: the time of the retry, or its creation, its place in an ordered line.
// Health counts with a result of the same endpoint that counts, and never goes back in time. That
// an endpoint was down is forgotten by a success alone.
// Fails where it was `overtaken`, see conflict.ts.
const recordResultsSql = `/* recordResults */
with result as materialized (
  select * from unnest(
    $1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::smallint[],
    $7::attempt_trigger[], $8::delivery_status[], $9::smallint[], $10::timestamptz[],
    $11::timestamptz[], $12::attempt_result[], $13::text[], $14::timestamptz[], $15::int[],
    $16::text[], $17::text[], $18::smallint[], $19::text[], $20::bytea[], $21::bool[])
    as result (
      delivery_id, workspace_id, endpoint_id, loaded_due_at, loaded_next_at, number,
      trigger, status, failures, next_attempt_at, next_due_at, result, error_message, started_at,
      duration_ms, url, request_headers, status_code, response_headers, response_body,
      response_body_truncated)
), settled as (
  update delivery set
    status = case
      when delivery.status = 'CANCELED' then delivery.status
      when result.status = 'FAILED' and delivery.next_attempt_at <> result.loaded_next_at
        then 'RETRYING'
      else result.status end,
    attempt_count = result.number,
    next_attempt_at = case
      when delivery.status = 'CANCELED' or result.status = 'SUCCEEDED' then null
      when delivery.next_attempt_at <> result.loaded_next_at then delivery.next_attempt_at
      else result.next_attempt_at end,
    completed_at = case
      when delivery.status = 'CANCELED' then delivery.completed_at
      when result.status = 'SUCCEEDED' then $32::timestamptz
      when delivery.next_attempt_at <> result.loaded_next_at then null
      when result.next_attempt_at is null then $32::timestamptz end,
    last_result = result.result,
    last_status_code = result.status_code
  from result
  where delivery.id = result.delivery_id and delivery.workspace_id = result.workspace_id
    and delivery.attempt_count = result.number - 1
    and delivery.status in ('PENDING', 'RETRYING', 'CANCELED')
  returning old.status as previous, new.status as new_status, new.next_attempt_at,
    coalesce(old.next_attempt_at <> result.loaded_next_at, false) as moved,
    age(old.xmin) < 0 as overtaken,
    array[result.loaded_due_at, old.next_attempt_at, uuid_extract_timestamp(result.delivery_id)]
      as due_ats,
    result.delivery_id, result.workspace_id, result.endpoint_id, result.number, result.trigger,
    result.failures, result.next_due_at, result.result, result.error_message, result.started_at,
    result.duration_ms, result.url, result.request_headers, result.status_code,
    result.response_body_truncated,
    case when new.payload_purged_at is null then result.response_headers end as response_headers,
    case when new.payload_purged_at is null then result.response_body end as response_body
), ended as (
  delete from due using settled
  where settled.next_attempt_at is null and due.endpoint_id = settled.endpoint_id
    and due.delivery_id = settled.delivery_id and due.due_at = any(settled.due_ats)
    and due.workspace_id = settled.workspace_id
), again as (
  update due set
    due_at = case when moved then due.due_at else settled.next_due_at end,
    held_until = case
      when moved then due.held_until
      when settled.next_due_at < settled.next_attempt_at then settled.next_attempt_at end,
    attempt_count = settled.number,
    failures = case when moved then due.failures else settled.failures end,
    attempt_trigger = case when moved then due.attempt_trigger else 'SCHEDULED' end
  from settled
  where settled.next_attempt_at is not null and due.endpoint_id = settled.endpoint_id
    and due.delivery_id = settled.delivery_id and due.due_at = any(settled.due_ats)
    and due.workspace_id = settled.workspace_id
), logged as (
  insert into attempt
    (delivery_id, number, workspace_id, endpoint_id, trigger, result, error_message, started_at,
     duration_ms, url, request_headers, status_code, response_headers, response_body,
     response_body_truncated)
  select delivery_id, number, workspace_id, endpoint_id, trigger, result, error_message,
    started_at, duration_ms, url, request_headers, status_code, response_headers, response_body,
    response_body_truncated
  from settled
), changed as (
  insert into change
    (id, workspace_id, changed_at, delivery_ids, statuses, previous_statuses, attempt_numbers)
  select $31::uuid, workspace_id, $32::timestamptz, array_agg(delivery_id), array_agg(new_status),
    array_agg(previous), array_agg(number)
  from settled group by workspace_id
  having 1 / (not bool_or(overtaken))::int = 1
), healthy as (
  insert into endpoint_health
    (endpoint_id, workspace_id, consecutive_failures, failing_since, last_success_at, circuit,
     parked_until, as_of, down_since)
  select * from unnest(
    $22::uuid[], $23::uuid[], $24::int[], $25::timestamptz[], $26::timestamptz[],
    $27::circuit_state[], $28::timestamptz[], $29::timestamptz[], $30::timestamptz[])
    as health (endpoint_id, workspace_id, consecutive_failures, failing_since, last_success_at,
      circuit, parked_until, as_of, down_since)
  where health.endpoint_id in (select endpoint_id from settled)
  on conflict (endpoint_id, workspace_id) do update set
    consecutive_failures = excluded.consecutive_failures,
    failing_since = excluded.failing_since,
    last_success_at = coalesce(excluded.last_success_at, endpoint_health.last_success_at),
    circuit = excluded.circuit,
    parked_until = excluded.parked_until,
    as_of = excluded.as_of,
    down_since = coalesce(excluded.down_since,
      case when excluded.consecutive_failures > 0 then endpoint_health.down_since end)
  where endpoint_health.as_of <= excluded.as_of
)
select delivery_id as id, new_status as status, next_attempt_at as "nextAttemptAt"
from settled`
