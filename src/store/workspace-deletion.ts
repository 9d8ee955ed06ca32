import type { EntityManager } from '@mikro-orm/postgresql'

/** Which workspace, and when. */
export type WorkspaceDeletion = { readonly id: string; readonly at: Date }

/**
 * Hides a workspace from everybody and forgets its names at once, so that its external id is free
 * again. Its rows are erased later: this is what that duty goes by. False: there is none.
 */
export async function markWorkspaceDeleted(
  em: EntityManager,
  { id, at }: WorkspaceDeletion,
): Promise<boolean> {
  const { affectedRows } = await em.execute<{ affectedRows: number }>(
    `/* markWorkspaceDeleted */
    update workspace set deleted_at = ?, name = '', external_id = null,
      subscriptions_version = subscriptions_version + 1
    where id = ? and deleted_at is null`,
    [at, id],
    'run',
  )
  return affectedRows === 1
}

/** Deletes all endpoints of a workspace with their secrets. Answers which. */
export async function deleteEndpointsOf(
  em: EntityManager,
  { id, at }: WorkspaceDeletion,
): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    `/* deleteEndpointsOf */
    with deleted as (
      update endpoint set deleted_at = ?, status = 'DISABLED',
        disabled_reason = coalesce(disabled_reason, 'MANUAL'),
        disabled_at = coalesce(disabled_at, ?), headers_sealed = null, version = version + 1
      where workspace_id = ? and deleted_at is null
      returning id, workspace_id
    ), secretless as (
      delete from endpoint_secret using deleted
      where endpoint_id = deleted.id and endpoint_secret.workspace_id = deleted.workspace_id
    )
    select id from deleted`,
    [at, at, id],
  )
  return rows.map((row) => row.id)
}

/** Removes all keys of a workspace. */
export async function removeApiKeysOf(em: EntityManager, workspaceId: string): Promise<void> {
  await em.execute('/* removeApiKeysOf */ delete from api_key where workspace_id = ?', [
    workspaceId,
  ])
}
