import { type EntityManager, LockMode } from '@mikro-orm/postgresql'
import { notFound } from '../errors.ts'
import { type Workspace, WorkspaceEntity } from '../model/workspace.ts'
import { type Slice, sliced } from './slice.ts'

/** Workspaces by id, in no order. */
export async function findWorkspaces(
  em: EntityManager,
  ids: readonly string[],
): Promise<Workspace[]> {
  return em.find(
    WorkspaceEntity,
    { id: { $in: [...ids] }, deletedAt: null },
    { comments: 'findWorkspaces' },
  )
}

/** The workspace the operator knows by this id of their own. */
export async function findWorkspaceByExternalId(
  em: EntityManager,
  externalId: string,
): Promise<Workspace | null> {
  const options = { comments: 'findWorkspaceByExternalId' }
  return em.findOne(WorkspaceEntity, { externalId, deletedAt: null }, options)
}

/** A part of the list of all workspaces. */
export async function listWorkspaces(em: EntityManager, slice: Slice): Promise<Workspace[]> {
  const { where, options } = sliced(slice)
  return em.find(
    WorkspaceEntity,
    { ...where, deletedAt: null },
    { ...options, comments: 'listWorkspaces' },
  )
}

/** How many workspaces there are. */
export async function countWorkspaces(em: EntityManager): Promise<number> {
  return em.count(WorkspaceEntity, { deletedAt: null }, { comments: 'countWorkspaces' })
}

/** Has other transactions that lock the workspace, or change its subscriptions, wait for ours. */
export async function lockWorkspace(em: EntityManager, id: string): Promise<Workspace | null> {
  const options = { lockMode: LockMode.PESSIMISTIC_WRITE, comments: 'lockWorkspace' }
  return em.findOne(WorkspaceEntity, { id, deletedAt: null }, options)
}

/**
 * Says that subscriptions of this workspace changed: publishing reads them again. It also locks
 * the workspace until the commit, so that changes to its endpoints come one after another. Throws
 * NOT_FOUND where it was deleted.
 */
export async function raiseSubscriptionsVersion(
  em: EntityManager,
  workspaceId: string,
): Promise<void> {
  const { affectedRows } = await em.execute<{ affectedRows: number }>(
    `/* raiseSubscriptionsVersion */
    update workspace set subscriptions_version = subscriptions_version + 1
    where id = ? and deleted_at is null`,
    [workspaceId],
    'run',
  )
  if (affectedRows === 0) throw notFound('Workspace')
}
