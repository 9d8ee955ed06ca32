import type { EntityManager } from '@mikro-orm/postgresql'
import type { Queryable } from '../db.ts'
import { type AuditAction, type AuditEntry, AuditEntryEntity } from '../model/audit-entry.ts'
import { uuidFloor } from '../rules/id.ts'
import { type Slice, sliced } from './slice.ts'

/** Which entries are meant. All conditions hold together; null: any will do. */
export type AuditFilter = {
  readonly actions: readonly AuditAction[] | null
  readonly targetId: string | null
  readonly apiKeyId: string | null
  /** Inclusive. */
  readonly since: Date | null
  /** Exclusive. */
  readonly until: Date | null
}

/** The entries of one workspace that fit; null: of all, and those that belong to none. */
export type AuditSelection = { readonly workspaceId: string | null; readonly filter: AuditFilter }

/** One page of the audit log. */
export async function listAuditEntries(
  em: EntityManager,
  { workspaceId, filter }: AuditSelection,
  slice: Slice,
): Promise<AuditEntry[]> {
  const { actions, targetId, apiKeyId, since, until } = filter
  const { where, options } = sliced(slice)
  const conditions = [
    where,
    ...(workspaceId === null ? [] : [{ workspaceId }]),
    ...(actions === null ? [] : [{ action: { $in: [...actions] } }]),
    ...(targetId === null ? [] : [{ targetId }]),
    ...(apiKeyId === null ? [] : [{ apiKeyId }]),
    ...(since === null ? [] : [{ id: { $gte: uuidFloor(since.getTime()) } }]),
    ...(until === null ? [] : [{ id: { $lt: uuidFloor(until.getTime()) } }]),
  ]
  const comments = 'listAuditEntries'
  return em.find(AuditEntryEntity, { $and: conditions }, { ...options, comments })
}

/** Entries by id, in no order. With a workspace: its entries alone. */
export async function findAuditEntries(
  em: EntityManager,
  ids: readonly string[],
  workspaceId: string | null,
): Promise<AuditEntry[]> {
  const where = { id: { $in: [...ids] }, ...(workspaceId !== null && { workspaceId }) }
  return em.find(AuditEntryEntity, where, { comments: 'findAuditEntries' })
}

/** Whether the log knows that this workspace was deleted. */
export async function knowsDeletion(em: EntityManager, workspaceId: string): Promise<boolean> {
  const rows = await em.execute<unknown[]>(
    `/* knowsDeletion */
    select 1 from audit_entry
    where target_id = ? and workspace_id = ? and action = 'WORKSPACE_DELETED' limit 1`,
    [workspaceId, workspaceId],
  )
  return rows.length > 0
}

/** Deletes up to `limit` entries that are older than `before`. Answers how many it was. */
export async function deleteOldAuditEntries(
  db: Queryable,
  { before, limit }: { readonly before: Date; readonly limit: number },
): Promise<number> {
  const { rowCount } = await db.query(
    `/* deleteOldAuditEntries */
    delete from audit_entry where id = any(array(
      select id from audit_entry where id < $1 order by id limit $2))`,
    [uuidFloor(before.getTime()), limit],
  )
  return rowCount ?? 0
}
