-- Replays: each makes new deliveries of past events for one endpoint, a slice at a time.

create type replay_status as enum ('RUNNING', 'COMPLETED', 'CANCELED');

create table replay (
  id uuid not null,
  workspace_id uuid not null,
  endpoint_id uuid not null,
  status replay_status not null,
  -- Which events: published from `since` on and before `until`.
  since timestamptz(3) not null,
  until timestamptz(3) not null,
  -- Their last delivery to the endpoint ended in one of these.
  statuses delivery_status[] not null,
  -- Exact names; null: of any type.
  event_types text[],
  -- Events the endpoint never got as well.
  is_full boolean not null,
  matched integer not null default 0,
  created integer not null default 0,
  created_at timestamptz(3) not null,
  completed_at timestamptz(3),
  -- Events are gone through twice: counted, then delivered. Up to here that is done.
  is_counted boolean not null default false,
  seen_to uuid not null,
  -- Rows of the last slice, and when it was made.
  slice_size integer not null,
  sliced_at timestamptz(3),
  -- Raised by whoever takes a turn: what is written of an earlier one changes nothing.
  turn integer not null default 0,
  -- No turn before this time: one is under way, or the endpoint is given time.
  next_turn_at timestamptz(3) not null,
  primary key (id, workspace_id),
  foreign key (endpoint_id, workspace_id) references endpoint (id, workspace_id),
  constraint replay_ended_has_time check ((status <> 'RUNNING') = (completed_at is not null)),
  constraint replay_range_not_empty check (since < until),
  constraint replay_counts_not_negative check (matched >= 0 and created >= 0),
  constraint replay_slice_positive check (slice_size > 0)
);

-- One at a time for an endpoint: two would mix the order of events.
create unique index replay_running_key on replay (endpoint_id, workspace_id)
  where status = 'RUNNING';
-- For the next turn.
create index replay_by_turn on replay (next_turn_at) where status = 'RUNNING';
-- For the last full one of an endpoint.
create index replay_by_endpoint on replay (endpoint_id, workspace_id, id);
