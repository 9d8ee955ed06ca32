-- What the migrations add up to, without the partitions of days. Made by a test.

create type attempt_result as enum ('SUCCEEDED', 'HTTP_ERROR', 'TIMEOUT', 'DNS_ERROR', 'CONNECTION_ERROR', 'TLS_ERROR', 'ADDRESS_NOT_ALLOWED');

create type attempt_trigger as enum ('SCHEDULED', 'MANUAL');

create type audit_actor as enum ('API_KEY', 'OPERATOR', 'SYSTEM');

create type circuit_state as enum ('CLOSED', 'OPEN', 'HALF_OPEN');

create type delivery_status as enum ('PENDING', 'RETRYING', 'SUCCEEDED', 'FAILED', 'CANCELED', 'SUPPRESSED');

create type delivery_trigger as enum ('EVENT', 'PING', 'REPLAY');

create type disabled_reason as enum ('MANUAL', 'GONE', 'FAILING');

create type endpoint_status as enum ('ENABLED', 'DISABLED');

create type event_type_status as enum ('ACTIVE', 'RESERVED', 'DEPRECATED');

create type replay_status as enum ('RUNNING', 'COMPLETED', 'CANCELED');

create type wire_format as enum ('STANDARD_WEBHOOKS', 'TUTORCRUNCHER', 'TRUTAC', 'TUTORFLOW', 'GITHUB', 'STRIPE');

create table api_key (
  id uuid not null,
  workspace_id uuid,
  name text not null,
  scopes text[] not null,
  prefix text not null,
  key_hash bytea not null,
  rate_limit_per_minute integer not null,
  created_at timestamp(3) with time zone not null,
  expires_at timestamp(3) with time zone,
  last_used_at timestamp(3) with time zone,
  revoked_at timestamp(3) with time zone,
  constraint api_key_pkey PRIMARY KEY (id),
  constraint api_key_hash_is_sha256 CHECK ((octet_length(key_hash) = 32)),
  constraint api_key_hash_key UNIQUE (key_hash),
  constraint api_key_rate_limit_not_negative CHECK ((rate_limit_per_minute >= 0)),
  constraint api_key_scope_fits_workspace CHECK (((workspace_id IS NULL) = ('OPERATOR'::text = ANY (scopes)))),
  constraint api_key_scopes_known CHECK (((scopes <@ ARRAY['OPERATOR'::text, 'MANAGE'::text, 'PUBLISH'::text, 'READ'::text]) AND (cardinality(scopes) > 0))),
  constraint api_key_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspace(id)
);

create unlogged table api_request_count (
  key_id uuid not null,
  minute timestamp(3) with time zone not null,
  used integer not null,
  constraint api_request_count_pkey PRIMARY KEY (key_id)
);

create table attempt (
  delivery_id uuid not null,
  number smallint not null,
  workspace_id uuid not null,
  endpoint_id uuid not null,
  trigger attempt_trigger not null,
  result attempt_result not null,
  error_message text,
  started_at timestamp(3) with time zone not null,
  duration_ms integer not null,
  url text not null,
  request_headers text not null,
  status_code smallint,
  response_headers text,
  response_body bytea,
  response_body_truncated boolean not null,
  constraint attempt_pkey PRIMARY KEY (delivery_id, number, workspace_id)
) partition by RANGE (delivery_id);

create table attempt_default partition of attempt DEFAULT;

create table audit_entry (
  id uuid not null,
  workspace_id uuid,
  action text not null,
  target_id uuid not null,
  actor audit_actor not null,
  api_key_id uuid,
  api_key_name text,
  before json,
  after json,
  constraint audit_entry_pkey PRIMARY KEY (id),
  constraint audit_entry_system_has_no_key CHECK (((actor <> 'SYSTEM'::audit_actor) OR (api_key_id IS NULL)))
);

create table catalogue (
  single boolean not null default true,
  version bigint not null default 0,
  constraint catalogue_pkey PRIMARY KEY (single),
  constraint catalogue_single_check CHECK (single)
);

create table change (
  id uuid not null,
  workspace_id uuid not null,
  xid xid8 not null default pg_current_xact_id(),
  changed_at timestamp(3) with time zone not null,
  delivery_ids uuid[] not null,
  statuses delivery_status[] not null,
  previous_statuses delivery_status[] not null,
  attempt_numbers smallint[] not null,
  constraint change_pkey PRIMARY KEY (workspace_id, xid, id)
) partition by RANGE (id);

create table change_default partition of change DEFAULT;

create table delivery (
  id uuid not null,
  workspace_id uuid not null,
  endpoint_id uuid not null,
  event_id uuid not null,
  event_type text not null,
  status delivery_status not null,
  trigger delivery_trigger not null,
  attempt_count smallint not null default 0,
  next_attempt_at timestamp(3) with time zone,
  completed_at timestamp(3) with time zone,
  last_result attempt_result,
  last_status_code smallint,
  payload_purged_at timestamp(3) with time zone,
  rare_status delivery_status default 
CASE
    WHEN (status = ANY (ARRAY['RETRYING'::delivery_status, 'FAILED'::delivery_status, 'CANCELED'::delivery_status, 'SUPPRESSED'::delivery_status])) THEN status
    ELSE NULL::delivery_status
END,
  constraint delivery_pkey PRIMARY KEY (workspace_id, id),
  constraint delivery_ended_has_time CHECK (((status = ANY (ARRAY['SUCCEEDED'::delivery_status, 'FAILED'::delivery_status, 'CANCELED'::delivery_status, 'SUPPRESSED'::delivery_status])) = (completed_at IS NOT NULL))),
  constraint delivery_pending_unattempted CHECK (((status <> 'PENDING'::delivery_status) OR (attempt_count = 0))),
  constraint delivery_result_needs_attempt CHECK (((last_result IS NULL) = (attempt_count = 0))),
  constraint delivery_waiting_has_next CHECK (((status = ANY (ARRAY['PENDING'::delivery_status, 'RETRYING'::delivery_status])) = (next_attempt_at IS NOT NULL)))
) partition by RANGE (id);

create table delivery_default partition of delivery DEFAULT;

create table due (
  endpoint_id uuid not null,
  due_at timestamp(3) with time zone not null,
  delivery_id uuid not null,
  workspace_id uuid not null,
  event_id uuid not null,
  held_until timestamp(3) with time zone,
  attempt_count smallint not null,
  failures smallint not null,
  attempt_trigger attempt_trigger not null,
  constraint due_pkey PRIMARY KEY (endpoint_id, due_at, delivery_id)
);

create table endpoint (
  id uuid not null,
  workspace_id uuid not null,
  external_id text,
  url text not null,
  description text,
  event_types text[] not null,
  wire_format wire_format not null,
  status endpoint_status not null,
  disabled_reason disabled_reason,
  disabled_at timestamp(3) with time zone,
  headers_sealed bytea,
  timeout_seconds integer not null,
  retry_schedule integer[] not null,
  rate_limit_per_second integer,
  ordered boolean not null,
  metadata jsonb not null,
  version bigint not null default 0,
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  deleted_at timestamp(3) with time zone,
  constraint endpoint_pkey PRIMARY KEY (id, workspace_id),
  constraint endpoint_disabled_has_reason CHECK (((status = 'DISABLED'::endpoint_status) = ((disabled_reason IS NOT NULL) AND (disabled_at IS NOT NULL)))),
  constraint endpoint_rate_limit_positive CHECK ((rate_limit_per_second > 0)),
  constraint endpoint_subscribes CHECK ((cardinality(event_types) > 0)),
  constraint endpoint_timeout_in_range CHECK (((timeout_seconds >= 1) AND (timeout_seconds <= 30))),
  constraint endpoint_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspace(id)
);

create table endpoint_health (
  endpoint_id uuid not null,
  workspace_id uuid not null,
  consecutive_failures integer not null,
  failing_since timestamp(3) with time zone,
  last_success_at timestamp(3) with time zone,
  circuit circuit_state not null,
  parked_until timestamp(3) with time zone,
  as_of timestamp(3) with time zone not null default to_timestamp((0)::double precision),
  down_since timestamp(3) with time zone,
  constraint endpoint_health_pkey PRIMARY KEY (endpoint_id, workspace_id),
  constraint endpoint_health_endpoint_id_workspace_id_fkey FOREIGN KEY (endpoint_id, workspace_id) REFERENCES endpoint(id, workspace_id),
  constraint endpoint_health_failing_since CHECK (((consecutive_failures > 0) = (failing_since IS NOT NULL))),
  constraint endpoint_health_open_has_probe CHECK (((circuit <> 'OPEN'::circuit_state) OR (parked_until IS NOT NULL)))
);

create table endpoint_secret (
  id uuid not null,
  workspace_id uuid not null,
  endpoint_id uuid not null,
  secret_sealed bytea not null,
  created_at timestamp(3) with time zone not null,
  expires_at timestamp(3) with time zone,
  constraint endpoint_secret_pkey PRIMARY KEY (id, workspace_id),
  constraint endpoint_secret_endpoint_id_workspace_id_fkey FOREIGN KEY (endpoint_id, workspace_id) REFERENCES endpoint(id, workspace_id)
);

create table event (
  id uuid not null,
  workspace_id uuid not null,
  event_type text not null,
  payload text,
  idempotency_key text,
  occurred_at timestamp(3) with time zone not null,
  deliver_at timestamp(3) with time zone,
  traceparent text,
  payload_purged_at timestamp(3) with time zone,
  constraint event_pkey PRIMARY KEY (workspace_id, id)
) partition by RANGE (id);

create table event_default partition of event DEFAULT;

create table event_type (
  id uuid not null,
  name text not null,
  description text,
  status event_type_status not null,
  schema json,
  example json,
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  constraint event_type_pkey PRIMARY KEY (id),
  constraint event_type_name_key UNIQUE (name)
);

create table idempotency_key (
  workspace_id uuid not null,
  key text not null,
  event_id uuid not null,
  request_hash bytea,
  created_at timestamp(3) with time zone not null,
  constraint idempotency_key_pkey PRIMARY KEY (workspace_id, key),
  constraint idempotency_key_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspace(id)
);

create table replay (
  id uuid not null,
  workspace_id uuid not null,
  endpoint_id uuid not null,
  status replay_status not null,
  since timestamp(3) with time zone not null,
  until timestamp(3) with time zone not null,
  statuses delivery_status[] not null,
  event_types text[],
  is_full boolean not null,
  matched integer not null default 0,
  created integer not null default 0,
  created_at timestamp(3) with time zone not null,
  completed_at timestamp(3) with time zone,
  is_counted boolean not null default false,
  seen_to uuid not null,
  slice_size integer not null,
  sliced_at timestamp(3) with time zone,
  turn integer not null default 0,
  next_turn_at timestamp(3) with time zone not null,
  constraint replay_pkey PRIMARY KEY (id, workspace_id),
  constraint replay_counts_not_negative CHECK (((matched >= 0) AND (created >= 0))),
  constraint replay_ended_has_time CHECK (((status <> 'RUNNING'::replay_status) = (completed_at IS NOT NULL))),
  constraint replay_endpoint_id_workspace_id_fkey FOREIGN KEY (endpoint_id, workspace_id) REFERENCES endpoint(id, workspace_id),
  constraint replay_range_not_empty CHECK ((since < until)),
  constraint replay_slice_positive CHECK ((slice_size > 0))
);

create table workspace (
  id uuid not null,
  name text not null,
  external_id text,
  wire_format wire_format not null,
  subscriptions_version bigint not null default 0,
  created_at timestamp(3) with time zone not null,
  deleted_at timestamp(3) with time zone,
  constraint workspace_pkey PRIMARY KEY (id),
  constraint workspace_external_id_key UNIQUE (external_id)
);

CREATE INDEX api_key_by_workspace ON public.api_key USING btree (workspace_id, id);

CREATE INDEX attempt_by_endpoint ON ONLY public.attempt USING btree (endpoint_id, started_at) INCLUDE (result, duration_ms);

CREATE INDEX audit_entry_by_target ON public.audit_entry USING btree (target_id, id);

CREATE INDEX audit_entry_by_workspace ON public.audit_entry USING btree (workspace_id, id);

CREATE INDEX delivery_by_endpoint ON ONLY public.delivery USING btree (endpoint_id, id);

CREATE INDEX delivery_by_event ON ONLY public.delivery USING btree (event_id, id);

CREATE INDEX delivery_by_id ON ONLY public.delivery USING brin (id) WITH (pages_per_range='16', autosummarize='on');

CREATE INDEX delivery_by_type ON ONLY public.delivery USING btree (workspace_id, event_type, id);

CREATE INDEX delivery_rare ON ONLY public.delivery USING btree (workspace_id, rare_status, id) WHERE (rare_status IS NOT NULL);

CREATE INDEX delivery_rare_by_endpoint ON ONLY public.delivery USING btree (endpoint_id, rare_status, id) WHERE (rare_status IS NOT NULL);

CREATE INDEX delivery_triggered ON ONLY public.delivery USING btree (workspace_id, trigger, id) WHERE (trigger <> 'EVENT'::delivery_trigger);

CREATE INDEX due_out_of_line ON public.due USING btree (endpoint_id, delivery_id) WHERE ((attempt_count = 0) AND (due_at <> uuid_extract_timestamp(delivery_id)));

CREATE INDEX endpoint_health_failing ON public.endpoint_health USING btree (failing_since) WHERE (failing_since IS NOT NULL);

CREATE INDEX endpoint_secret_by_endpoint ON public.endpoint_secret USING btree (endpoint_id, workspace_id);

CREATE UNIQUE INDEX endpoint_secret_current ON public.endpoint_secret USING btree (endpoint_id, workspace_id) WHERE (expires_at IS NULL);

CREATE INDEX endpoint_by_workspace ON public.endpoint USING btree (workspace_id, id);

CREATE UNIQUE INDEX endpoint_external_id_key ON public.endpoint USING btree (workspace_id, external_id) WHERE (deleted_at IS NULL);

CREATE INDEX event_by_id ON ONLY public.event USING brin (id) WITH (pages_per_range='16', autosummarize='on');

CREATE INDEX event_by_type ON ONLY public.event USING btree (workspace_id, event_type, id);

CREATE INDEX replay_by_endpoint ON public.replay USING btree (endpoint_id, workspace_id, id);

CREATE INDEX replay_by_turn ON public.replay USING btree (next_turn_at) WHERE (status = 'RUNNING'::replay_status);

CREATE UNIQUE INDEX replay_running_key ON public.replay USING btree (endpoint_id, workspace_id) WHERE (status = 'RUNNING'::replay_status);

CREATE INDEX workspace_deleted ON public.workspace USING btree (deleted_at) WHERE (deleted_at IS NOT NULL);
