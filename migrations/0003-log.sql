-- What happened: events, their deliveries, the attempts made, and the changes of status in order.
-- All four are partitioned by day of their UUIDv7; retention drops partitions and never deletes rows.
-- Creation times are not stored: they are in the id.

create type delivery_status as enum (
  'PENDING', 'RETRYING', 'SUCCEEDED', 'FAILED', 'CANCELED', 'SUPPRESSED'
);
create type delivery_trigger as enum ('EVENT', 'PING', 'REPLAY');
create type attempt_trigger as enum ('SCHEDULED', 'MANUAL');
create type attempt_result as enum (
  'SUCCEEDED', 'HTTP_ERROR', 'TIMEOUT', 'DNS_ERROR', 'CONNECTION_ERROR', 'TLS_ERROR',
  'ADDRESS_NOT_ALLOWED'
);

create table event (
  id uuid not null,
  workspace_id uuid not null,
  event_type text not null,
  -- Text, never jsonb: the bytes that were published are the bytes that are sent.
  payload text,
  idempotency_key text,
  occurred_at timestamptz(3) not null,
  deliver_at timestamptz(3),
  -- The span that published it (W3C Trace Context); null where tracing is off.
  traceparent text,
  -- The payload was removed at somebody's wish, and is null.
  payload_purged_at timestamptz(3),
  -- The workspace first, here and in `delivery`: the one index finds a row and lists a log.
  primary key (workspace_id, id)
) partition by range (id);

create index event_by_type on event (workspace_id, event_type, id);
-- For the operator, whose ids come without a workspace. Hardly anything to keep up: rows are
-- stored in the order of their ids, and of each few pages only the bounds are in it.
create index event_by_id on event using brin (id) with (pages_per_range = 16, autosummarize = on);
create table event_default partition of event default;

-- A table of its own, because a unique key of a partitioned table must hold its partition key.
create table idempotency_key (
  workspace_id uuid not null references workspace (id),
  key text not null,
  event_id uuid not null,
  -- SHA-256 of the event's type and payload bytes, to tell a repetition from a mistake: its times
  -- may differ. Null: the payload was removed, and the key answers with its event whatever is sent.
  request_hash bytea,
  created_at timestamptz(3) not null,
  primary key (workspace_id, key)
);

-- No index holds a column that every delivery changes (status, counts, times): updates stay on
-- their page.
create table delivery (
  id uuid not null,
  workspace_id uuid not null,
  endpoint_id uuid not null,
  event_id uuid not null,
  event_type text not null,
  status delivery_status not null,
  trigger delivery_trigger not null,
  attempt_count smallint not null default 0,
  next_attempt_at timestamptz(3),
  completed_at timestamptz(3),
  last_result attempt_result,
  last_status_code smallint,
  -- As its event's: it is not attempted again, and no answer's body is kept.
  payload_purged_at timestamptz(3),
  -- The status where it is one that few deliveries have, and that is looked for among millions.
  -- Null on the way from PENDING to SUCCEEDED, so that the usual update stays on its page.
  rare_status delivery_status generated always as (
    case when status in ('RETRYING', 'FAILED', 'CANCELED', 'SUPPRESSED') then status end
  ) stored,
  primary key (workspace_id, id),
  constraint delivery_waiting_has_next check (
    (status in ('PENDING', 'RETRYING')) = (next_attempt_at is not null)
  ),
  constraint delivery_ended_has_time check (
    (status in ('SUCCEEDED', 'FAILED', 'CANCELED', 'SUPPRESSED')) = (completed_at is not null)
  ),
  constraint delivery_pending_unattempted check (status <> 'PENDING' or attempt_count = 0),
  constraint delivery_result_needs_attempt check ((last_result is null) = (attempt_count = 0))
) partition by range (id);

create index delivery_by_endpoint on delivery (endpoint_id, id);
create index delivery_by_event on delivery (event_id, id);
create index delivery_by_type on delivery (workspace_id, event_type, id);
create index delivery_rare on delivery (workspace_id, rare_status, id)
  where rare_status is not null;
create index delivery_rare_by_endpoint on delivery (endpoint_id, rare_status, id)
  where rare_status is not null;
create index delivery_triggered on delivery (workspace_id, trigger, id) where trigger <> 'EVENT';
create index delivery_by_id on delivery using brin (id)
  with (pages_per_range = 16, autosummarize = on);
create table delivery_default partition of delivery default with (fillfactor = 50);

-- The work that is left: one row for each delivery that waits. The delivery's row is the log's,
-- this one is the lane's. A lane reads its rows in the order of the key.
create table due (
  endpoint_id uuid not null,
  due_at timestamptz(3) not null,
  delivery_id uuid not null,
  workspace_id uuid not null,
  event_id uuid not null,
  -- Of an ordered endpoint: not before this time, and nothing behind it either.
  held_until timestamptz(3),
  attempt_count smallint not null,
  -- Failed attempts since the start of the retry schedule.
  failures smallint not null,
  attempt_trigger attempt_trigger not null,
  primary key (endpoint_id, due_at, delivery_id)
);

-- For lists of what is PENDING. Nearly all is due at the time in its id, and is not in here: in the
-- order of the key that is the order of ids. A delivery pays 0.06 µs for it, and no byte.
create index due_out_of_line on due (endpoint_id, delivery_id)
  where attempt_count = 0 and due_at <> uuid_extract_timestamp(delivery_id);

-- The key is its delivery's; the number is the attempt's. An attempt's public id is made of both.
create table attempt (
  delivery_id uuid not null,
  number smallint not null,
  workspace_id uuid not null,
  endpoint_id uuid not null,
  trigger attempt_trigger not null,
  result attempt_result not null,
  error_message text,
  started_at timestamptz(3) not null,
  duration_ms integer not null,
  url text not null,
  -- Header lines as sent, "name: value" each; the body is made again from event and format.
  request_headers text not null,
  status_code smallint,
  response_headers text,
  response_body bytea,
  response_body_truncated boolean not null,
  primary key (delivery_id, number, workspace_id)
) partition by range (delivery_id);

-- For the statistics of an endpoint, which read nothing else.
create index attempt_by_endpoint on attempt (endpoint_id, started_at)
  include (result, duration_ms);
create table attempt_default partition of attempt default;

-- The feed: one row for each transaction and workspace, its changes as parallel arrays.
-- Readers order by (xid, id) and stop before the oldest transaction that still runs.
create table change (
  id uuid not null,
  workspace_id uuid not null,
  xid xid8 not null default pg_current_xact_id(),
  changed_at timestamptz(3) not null,
  delivery_ids uuid[] not null,
  statuses delivery_status[] not null,
  previous_statuses delivery_status[] not null,
  -- Number of the attempt that caused the change; 0: none did.
  attempt_numbers smallint[] not null,
  primary key (workspace_id, xid, id)
) partition by range (id);

create table change_default partition of change default;
