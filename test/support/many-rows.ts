import type { Pool } from '../../src/db.ts'

/** Some of the rows: what statements are asked about. */
export type SomeIds = {
  readonly workspaceId: string
  readonly endpointIds: readonly string[]
  readonly eventIds: readonly string[]
  readonly deliveryIds: readonly string[]
}

/**
 * So many tenants that looking at the rows of all would be a mistake, as statistics see it too:
 * 400 workspaces, 20,000 endpoints, 40,000 events with a delivery or two each, half of them due.
 * The partitions of other days are left as they are made, empty and never looked at.
 */
export async function fillWithRows(pool: Pool): Promise<SomeIds> {
  for (const statement of fillSql) await pool.query(statement)
  for (const table of ['event', 'delivery', 'attempt', 'change']) {
    // Two days have rows where midnight came meanwhile.
    const days = `select distinct tableoid::regclass::text as name from ${table}`
    const { rows } = await pool.query<{ name: string }>(days)
    for (const { name } of rows) await pool.query(`analyze ${name}`)
  }
  const { rows } = await pool.query<SomeIds>(`
    with one as (select id from workspace order by id offset 7 limit 1)
    select (select id from one) as "workspaceId",
      array(select id from endpoint where workspace_id = one.id limit 5) as "endpointIds",
      array(select id from event where workspace_id = one.id limit 5) as "eventIds",
      array(select id from delivery where workspace_id = one.id limit 5) as "deliveryIds"
    from one`)
  const [some] = rows
  if (!some) throw new Error('There are no rows.')
  return some
}

const fillSql = [
  `insert into workspace (id, name, external_id, wire_format, created_at)
   select uuidv7(), 'w', 'external ' || n, 'GITHUB', now() from generate_series(1, 400) n`,
  `insert into endpoint (id, workspace_id, external_id, url, event_types, wire_format, status,
     timeout_seconds, retry_schedule, ordered, metadata, created_at, updated_at)
   select uuidv7(), workspace.id, 'e' || n, 'https://example.com/', '{*}', 'GITHUB', 'ENABLED', 15,
     '{5}', false, '{}', now(), now()
   from workspace, generate_series(1, 50) n`,
  `insert into endpoint_secret (id, workspace_id, endpoint_id, secret_sealed, created_at)
   select uuidv7(), workspace_id, id, '\\x00', now() from endpoint`,
  `insert into endpoint_health
   select id, workspace_id, failures, case failures when 1 then now() end, now(), 'CLOSED', null,
     now()
   from (select *, (row_number() over () % 500 = 0)::int as failures from endpoint) endpoint`,
  `insert into event (id, workspace_id, event_type, payload, occurred_at)
   select uuidv7(), workspace.id, 'invoice.paid', '{}', now()
   from workspace, generate_series(1, 100) n`,
  `insert into idempotency_key (workspace_id, key, event_id, request_hash, created_at)
   select workspace_id, id::text, id, '\\x00', now() from event`,
  `insert into delivery (id, workspace_id, endpoint_id, event_id, event_type, status, trigger,
     attempt_count, next_attempt_at, completed_at, last_result, last_status_code)
   select uuidv7(), event.workspace_id, endpoint.id, event.id, event_type,
     case when is_due then 'RETRYING' else 'SUCCEEDED' end::delivery_status, 'EVENT', 1,
     case when is_due then now() end, case when not is_due then now() end, 'SUCCEEDED', 200
   from (select *, row_number() over (partition by workspace_id) as n from event) event
   join (select *, row_number() over (partition by workspace_id) as n from endpoint) endpoint
     on endpoint.workspace_id = event.workspace_id and endpoint.n in (event.n % 50, event.n % 49)
   cross join lateral (select event.n % 2 = 0 as is_due) due`,
  `insert into due (endpoint_id, due_at, delivery_id, workspace_id, event_id, attempt_count,
     failures, attempt_trigger)
   select endpoint_id, next_attempt_at, id, workspace_id, event_id, 1, 1, 'SCHEDULED'
   from delivery where status = 'RETRYING'`,
  `insert into attempt (delivery_id, number, workspace_id, endpoint_id, trigger, result, started_at,
     duration_ms, url, request_headers, response_body_truncated)
   select id, 1, workspace_id, endpoint_id, 'SCHEDULED', 'SUCCEEDED', now(), 1,
     'https://example.com/', '', false from delivery`,
  `insert into change (id, workspace_id, changed_at, delivery_ids, statuses, previous_statuses,
     attempt_numbers)
   select uuidv7(), workspace_id, now(), array[id], array[status], array[status], '{1}'
   from delivery`,
  `insert into audit_entry (id, workspace_id, action, target_id, actor)
   select uuidv7(), workspace_id, 'ENDPOINT_CREATED', id, 'OPERATOR' from endpoint`,
  `insert into replay (id, workspace_id, endpoint_id, status, since, until, statuses, is_full,
     created_at, completed_at, seen_to, slice_size, next_turn_at)
   select uuidv7(), workspace_id, id, case when n = 1 then 'RUNNING' else 'COMPLETED' end::replay_status,
     now() - interval '1 day', now(), '{FAILED}', n = 2, now(), case when n > 1 then now() end,
     uuidv7(), 32, now()
   from endpoint, generate_series(1, 2) n`,
  'analyze workspace, audit_entry, endpoint, endpoint_secret, endpoint_health, idempotency_key, due',
  'analyze replay',
]
