import type { Queryable } from '../db.ts'

/** A workspace that was deleted and of which there are rows left. */
export type DeletedWorkspace = { readonly id: string; readonly deletedAt: Date }

/** A part of the rows of one workspace. */
export type ErasureBatch = { readonly workspaceId: string; readonly limit: number }

/** Erases up to `limit` rows, one transaction's worth. Answers how many it was. */
export type Erase = (db: Queryable, batch: ErasureBatch) => Promise<number>

/** Those that were deleted first come first. */
export async function findDeletedWorkspaces(db: Queryable): Promise<DeletedWorkspace[]> {
  const { rows } = await db.query<DeletedWorkspace>(
    `/* findDeletedWorkspaces */
    select id, deleted_at as "deletedAt" from workspace
    where deleted_at is not null order by deleted_at`,
  )
  return rows
}

/** Any number will do as long as every process takes the same one. */
const erasureLock = 7_226_003

/** Waits until no other transaction erases: processes take turns, batch by batch. */
export async function takeErasure(db: Queryable): Promise<void> {
  await db.query('/* takeErasure */ select pg_advisory_xact_lock($1)', [erasureLock])
}

/** What waited. Rows that somebody else has in hand are left for the next time. */
export const eraseDue: Erase = (db, batch) =>
  erase(
    db,
    batch,
    `/* eraseDue */
    with part as materialized (
      select waiting.* from endpoint
      cross join lateral (
        select endpoint_id, due_at, delivery_id from due
        where due.endpoint_id = endpoint.id and due.workspace_id = $1
        order by due_at, delivery_id limit $2 for update skip locked
      ) waiting
      where endpoint.workspace_id = $1 limit $2
    )
    delete from due using part
    where due.endpoint_id = part.endpoint_id and due.due_at = part.due_at
      and due.delivery_id = part.delivery_id and due.workspace_id = $1`,
  )

/**
 * Deliveries with their attempts. The attempts are looked for once the deliveries are locked: those
 * whose result is being recorded are left for the next time, and no result follows to the others.
 */
export const eraseDeliveries: Erase = async (db, { workspaceId, limit }) => {
  const { rows } = await db.query<{ id: string }>(
    `/* eraseDeliveries */
    with part as materialized (
      select id from delivery where workspace_id = $1 order by id limit $2
      for update skip locked
    )
    delete from delivery using part where delivery.id = part.id and delivery.workspace_id = $1
    returning delivery.id`,
    [workspaceId, limit],
  )
  const ids = rows.map(({ id }) => id)
  await db.query(
    `/* eraseAttempts */ delete from attempt
    where delivery_id = any($1::uuid[]) and workspace_id = $2`,
    [ids, workspaceId],
  )
  return ids.length
}

/** Events with their payloads. */
export const eraseEvents: Erase = (db, batch) =>
  erase(
    db,
    batch,
    `/* eraseEvents */
    with part as materialized (
      select id from event where workspace_id = $1 order by id limit $2
    )
    delete from event using part where event.id = part.id and event.workspace_id = $1`,
  )

/** The feed. */
export const eraseChanges: Erase = (db, batch) =>
  erase(
    db,
    batch,
    `/* eraseChanges */
    with part as materialized (
      select xid, id from change where workspace_id = $1 order by xid, id limit $2
    )
    delete from change using part
    where change.workspace_id = $1 and change.xid = part.xid and change.id = part.id`,
  )

/** Idempotency keys. */
export const eraseKeys: Erase = (db, batch) =>
  erase(
    db,
    batch,
    `/* eraseKeys */
    with part as materialized (
      select key from idempotency_key where workspace_id = $1 order by key limit $2
    )
    delete from idempotency_key using part
    where idempotency_key.workspace_id = $1 and idempotency_key.key = part.key`,
  )

/** Of the audit log what people wrote. That something was done, when and with which key, stays. */
export const emptyAuditEntries: Erase = (db, batch) =>
  erase(
    db,
    batch,
    `/* emptyAuditEntries */
    with part as materialized (
      select id from audit_entry
      where workspace_id = $1
        and (before is not null or after is not null or api_key_name is not null)
      order by id limit $2
    )
    update audit_entry set before = null, after = null, api_key_name = null
    from part where audit_entry.id = part.id and audit_entry.workspace_id = $1`,
  )

/** Endpoints for which nothing waits, with what belongs to them. */
export const eraseEndpoints: Erase = async (db, { workspaceId, limit }) => {
  const { rows } = await db.query<{ id: string }>(
    `/* findErasableEndpoints */
    select id from endpoint
    where workspace_id = $1 and not exists (
      select from due where due.endpoint_id = endpoint.id and due.workspace_id = $1)
    limit $2`,
    [workspaceId, limit],
  )
  const values = [rows.map(({ id }) => id), workspaceId]
  for (const text of eraseEndpointsSql) await db.query(text, values)
  return rows.length
}

const eraseEndpointsSql = [
  `/* eraseReplays */ delete from replay
  where endpoint_id = any($1::uuid[]) and workspace_id = $2`,
  `/* eraseEndpointHealth */ delete from endpoint_health
  where endpoint_id = any($1::uuid[]) and workspace_id = $2`,
  `/* eraseEndpointSecrets */ delete from endpoint_secret
  where endpoint_id = any($1::uuid[]) and workspace_id = $2`,
  `/* eraseEndpoints */ delete from endpoint where id = any($1::uuid[]) and workspace_id = $2`,
]

/** The workspace itself, unless a row is left that somebody had in hand. */
export async function eraseWorkspace(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `/* eraseWorkspace */
    delete from workspace
    where id = $1 and deleted_at is not null
      and not exists (select from endpoint where workspace_id = $1)
      and not exists (select from delivery where workspace_id = $1)
      and not exists (select from event where workspace_id = $1)
      and not exists (select from change where workspace_id = $1)
      and not exists (select from idempotency_key where workspace_id = $1)`,
    [id],
  )
  return rowCount === 1
}

async function erase(db: Queryable, batch: ErasureBatch, text: string): Promise<number> {
  const { rowCount } = await db.query(text, [batch.workspaceId, batch.limit])
  return rowCount ?? 0
}
