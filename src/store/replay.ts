import { type EntityManager, type FilterQuery, LockMode } from '@mikro-orm/postgresql'
import { type Replay, ReplayEntity } from '../model/replay.ts'
import type { TenantKey } from './endpoint.ts'

/** Replays by key, in no order. */
export async function findReplays(
  em: EntityManager,
  keys: readonly TenantKey[],
): Promise<Replay[]> {
  const where = { $or: keys.map(({ workspaceId, id }) => ({ workspaceId, id })) }
  return em.find(ReplayEntity, where, { comments: 'findReplays' })
}

/** A replay, locked until the commit: no turn of it ends meanwhile. */
export async function lockReplay(
  em: EntityManager,
  { workspaceId, id }: TenantKey,
): Promise<Replay | null> {
  const options = { lockMode: LockMode.PESSIMISTIC_WRITE, comments: 'lockReplay' }
  return em.findOne(ReplayEntity, { workspaceId, id }, options)
}

/** The one replay of an endpoint that is running. */
export async function findRunningReplay(
  em: EntityManager,
  { workspaceId, id }: TenantKey,
): Promise<Replay | null> {
  const where = { workspaceId, endpointId: id, status: 'RUNNING' } as const
  return em.findOne(ReplayEntity, where, { comments: 'findRunningReplay' })
}

/**
 * The full replay of an endpoint that began after `since`. One that was canceled before it made
 * anything does not count.
 */
export async function findFullReplay(
  em: EntityManager,
  { workspaceId, id, since }: TenantKey & { readonly since: Date },
): Promise<Replay | null> {
  const where = { workspaceId, endpointId: id, isFull: true, createdAt: { $gt: since } }
  const counts: FilterQuery<Replay>[] = [{ status: { $ne: 'CANCELED' } }, { created: { $gt: 0 } }]
  const options = { orderBy: { id: 'desc' }, comments: 'findFullReplay' } as const
  return em.findOne(ReplayEntity, { ...where, $or: counts }, options)
}

/** The workspaces that replays belong to, for callers who are in none: the operator alone. */
export async function findReplayOwners(
  em: EntityManager,
  ids: readonly string[],
): Promise<TenantKey[]> {
  return em.execute<TenantKey[]>(
    `/* findReplayOwners */
    select replay.id, workspace_id as "workspaceId" from replay
    join workspace on workspace.id = workspace_id and workspace.deleted_at is null
    where replay.id = any(?::uuid[])`,
    [`{${ids.join(',')}}`],
  )
}
