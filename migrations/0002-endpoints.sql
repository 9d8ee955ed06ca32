-- What customers set up: endpoints, their secrets, and what is known of their health.

create type endpoint_status as enum ('ENABLED', 'DISABLED');
create type disabled_reason as enum ('MANUAL', 'GONE', 'FAILING');

create table endpoint (
  id uuid not null,
  workspace_id uuid not null references workspace (id),
  external_id text,
  url text not null,
  description text,
  event_types text[] not null,
  wire_format wire_format not null,
  status endpoint_status not null,
  disabled_reason disabled_reason,
  disabled_at timestamptz(3),
  -- Custom headers as encrypted JSON: a value may be a credential. Null: none.
  headers_sealed bytea,
  timeout_seconds integer not null,
  retry_schedule integer[] not null,
  rate_limit_per_second integer,
  ordered boolean not null,
  metadata jsonb not null,
  -- Raised with every change that matters to delivery; a lane that sees another one reads it again.
  version bigint not null default 0,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  -- A deleted endpoint stays for the log to point at; nothing else finds it.
  deleted_at timestamptz(3),
  primary key (id, workspace_id),
  constraint endpoint_disabled_has_reason check (
    (status = 'DISABLED') = (disabled_reason is not null and disabled_at is not null)
  ),
  constraint endpoint_subscribes check (cardinality(event_types) > 0),
  constraint endpoint_timeout_in_range check (timeout_seconds between 1 and 30),
  constraint endpoint_rate_limit_positive check (rate_limit_per_second > 0)
);

-- For lists, and for loading one workspace's subscriptions.
create index endpoint_by_workspace on endpoint (workspace_id, id);
create unique index endpoint_external_id_key on endpoint (workspace_id, external_id)
  where deleted_at is null;

create table endpoint_secret (
  id uuid not null,
  workspace_id uuid not null,
  endpoint_id uuid not null,
  secret_sealed bytea not null,
  created_at timestamptz(3) not null,
  -- Null: the current secret. Otherwise it signs beside the current one until then.
  expires_at timestamptz(3),
  primary key (id, workspace_id),
  foreign key (endpoint_id, workspace_id) references endpoint (id, workspace_id)
);

create index endpoint_secret_by_endpoint on endpoint_secret (endpoint_id, workspace_id);
create unique index endpoint_secret_current on endpoint_secret (endpoint_id, workspace_id)
  where expires_at is null;

create type circuit_state as enum ('CLOSED', 'OPEN', 'HALF_OPEN');

-- Written by the lane of the endpoint alone, and by re-enabling it. No row: nothing known yet.
create table endpoint_health (
  endpoint_id uuid not null,
  workspace_id uuid not null,
  consecutive_failures integer not null,
  failing_since timestamptz(3),
  last_success_at timestamptz(3),
  circuit circuit_state not null,
  -- No attempt before this time: the next probe of an open circuit, or the end of a pause the
  -- receiver asked for.
  parked_until timestamptz(3),
  -- Of two transactions under way the older may commit last: it changes nothing then.
  as_of timestamptz(3) not null default to_timestamp(0),
  -- Since when nothing got through but probes, until a success does: its circuit opened, or it was
  -- disabled and enabled again.
  down_since timestamptz(3),
  primary key (endpoint_id, workspace_id),
  foreign key (endpoint_id, workspace_id) references endpoint (id, workspace_id),
  constraint endpoint_health_open_has_probe check (
    circuit <> 'OPEN' or parked_until is not null
  ),
  constraint endpoint_health_failing_since check (
    (consecutive_failures > 0) = (failing_since is not null)
  )
) with (fillfactor = 50);

-- For auto-disable. Holds failing endpoints alone, and changes when one begins or stops to fail.
create index endpoint_health_failing on endpoint_health (failing_since)
  where failing_since is not null;
