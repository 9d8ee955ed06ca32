-- Who changed what and when, written in the transaction of the change.
-- Not partitioned: a row is a person's act, so there are few, and they are kept for a year; 365
-- partitions would cost every look-up more than deleting the old rows in batches does.

create type audit_actor as enum ('API_KEY', 'OPERATOR', 'SYSTEM');

create table audit_entry (
  -- A UUIDv7: when it was is in it.
  id uuid primary key,
  -- Null: the operator's own, such as the catalogue. No foreign key: it outlives its workspace.
  workspace_id uuid,
  -- Text: a new action needs no migration. The program knows them all.
  action text not null,
  target_id uuid not null,
  actor audit_actor not null,
  -- The key that was used, and its name at that time. Null: that of the configuration, or none.
  api_key_id uuid,
  api_key_name text,
  -- What changed, and no secret. Null: there was nothing before, or is nothing after.
  before json,
  after json,
  constraint audit_entry_system_has_no_key check (actor <> 'SYSTEM' or api_key_id is null)
);

create index audit_entry_by_workspace on audit_entry (workspace_id, id);
-- For the history of one thing, which is the question asked most.
create index audit_entry_by_target on audit_entry (target_id, id);
