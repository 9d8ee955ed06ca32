import { type EntityManager, LockMode } from '@mikro-orm/postgresql'
import { ApiKeyEntity, type ApiKey } from '../model/api-key.ts'
import type { Queryable } from '../db.ts'
import { type Slice, sliced } from './slice.ts'

/** The key with this hash, whatever its state. */
export async function findApiKeyByHash(em: EntityManager, keyHash: Buffer): Promise<ApiKey | null> {
  return em.findOne(ApiKeyEntity, { keyHash }, { comments: 'findApiKeyByHash' })
}

/** The keys with these hashes, whatever their state, in no order. */
export async function findApiKeysByHash(
  em: EntityManager,
  keyHashes: readonly Buffer[],
): Promise<ApiKey[]> {
  const where = { keyHash: { $in: [...keyHashes] } }
  return em.find(ApiKeyEntity, where, { comments: 'findApiKeysByHash' })
}

/** Keys by id, in no order. With a workspace: its keys alone. */
export async function findApiKeys(
  em: EntityManager,
  ids: readonly string[],
  workspaceId: string | null,
): Promise<ApiKey[]> {
  const where = { id: { $in: [...ids] }, ...(workspaceId !== null && { workspaceId }) }
  return em.find(ApiKeyEntity, where, { comments: 'findApiKeys' })
}

/** One key, locked until the commit. */
export async function lockApiKey(em: EntityManager, id: string): Promise<ApiKey | null> {
  const options = { lockMode: LockMode.PESSIMISTIC_WRITE, comments: 'lockApiKey' }
  return em.findOne(ApiKeyEntity, { id }, options)
}

/** Sets when keys were last used, many at a time; a time that is stored already is not put back. */
export async function touchApiKeys(db: Queryable, used: ReadonlyMap<string, Date>): Promise<void> {
  await db.query(
    `/* touchApiKeys */
    update api_key set last_used_at = used.at
    from unnest($1::uuid[], $2::timestamptz[]) as used (id, at)
    where api_key.id = used.id
      and (api_key.last_used_at is null or api_key.last_used_at < used.at)`,
    [[...used.keys()], [...used.values()]],
  )
}

/** A part of the list of one workspace's keys, or with null of the operator's. */
export async function listApiKeys(
  em: EntityManager,
  workspaceId: string | null,
  slice: Slice,
): Promise<ApiKey[]> {
  const { where, options } = sliced(slice)
  const comments = 'listApiKeys'
  return em.find(ApiKeyEntity, { workspaceId, ...where }, { ...options, comments })
}

/** How many keys of a workspace open it: those neither revoked nor expired. */
export async function countLiveApiKeys(
  em: EntityManager,
  { workspaceId, at }: { readonly workspaceId: string; readonly at: Date },
): Promise<number> {
  const unexpired = { $or: [{ expiresAt: null }, { expiresAt: { $gt: at } }] }
  const where = { workspaceId, revokedAt: null, ...unexpired }
  return em.count(ApiKeyEntity, where, { comments: 'countLiveApiKeys' })
}

/** How many keys a workspace has, or with null the operator; revoked ones included. */
export async function countApiKeys(em: EntityManager, workspaceId: string | null): Promise<number> {
  return em.count(ApiKeyEntity, { workspaceId }, { comments: 'countApiKeys' })
}
