-- Who there is: workspaces, the keys that open them, and the operator's catalogue of event types.

create type wire_format as enum (
  'STANDARD_WEBHOOKS', 'TUTORCRUNCHER', 'TRUTAC', 'TUTORFLOW', 'GITHUB', 'STRIPE'
);

create table workspace (
  id uuid primary key,
  name text not null,
  external_id text,
  wire_format wire_format not null,
  -- Raised with every change of its endpoints' subscriptions; publishing compares it with its cache.
  subscriptions_version bigint not null default 0,
  created_at timestamptz(3) not null,
  -- From then on nobody finds it. The row goes last, when all its others are erased.
  deleted_at timestamptz(3),
  constraint workspace_external_id_key unique (external_id)
);

-- For the duty that erases them.
create index workspace_deleted on workspace (deleted_at) where deleted_at is not null;

create table api_key (
  id uuid primary key,
  workspace_id uuid references workspace (id),
  name text not null,
  scopes text[] not null,
  prefix text not null,
  key_hash bytea not null,
  rate_limit_per_minute integer not null,
  created_at timestamptz(3) not null,
  expires_at timestamptz(3),
  last_used_at timestamptz(3),
  revoked_at timestamptz(3),
  constraint api_key_hash_key unique (key_hash),
  constraint api_key_scopes_known check (
    scopes <@ array['OPERATOR', 'MANAGE', 'PUBLISH', 'READ'] and cardinality(scopes) > 0
  ),
  -- An operator key has no workspace, a workspace key no OPERATOR scope.
  constraint api_key_scope_fits_workspace check (
    (workspace_id is null) = ('OPERATOR' = any (scopes))
  ),
  constraint api_key_hash_is_sha256 check (octet_length(key_hash) = 32),
  constraint api_key_rate_limit_not_negative check (rate_limit_per_minute >= 0)
);

-- For the list of one workspace's keys.
create index api_key_by_workspace on api_key (workspace_id, id);

create type event_type_status as enum ('ACTIVE', 'RESERVED', 'DEPRECATED');

create table event_type (
  id uuid primary key,
  name text not null,
  description text,
  status event_type_status not null,
  schema json,
  example json,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  constraint event_type_name_key unique (name)
);

-- One row. Raised with every change of the catalogue; publishing compares it with its cache.
create table catalogue (
  single boolean primary key default true check (single),
  version bigint not null default 0
);

insert into catalogue default values;
