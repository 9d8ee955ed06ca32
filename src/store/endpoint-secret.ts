import type { EntityManager } from '@mikro-orm/postgresql'
import { type EndpointSecret, EndpointSecretEntity } from '../model/endpoint-secret.ts'
import type { TenantKey } from './endpoint.ts'

/** All secrets of an endpoint: the current one, and old ones whether expired or not. */
export async function findEndpointSecrets(
  em: EntityManager,
  { workspaceId, id }: TenantKey,
): Promise<EndpointSecret[]> {
  const where = { workspaceId, endpointId: id }
  return em.find(EndpointSecretEntity, where, { comments: 'findEndpointSecrets' })
}

/** Removes all secrets of an endpoint. */
export async function removeSecrets(
  em: EntityManager,
  { workspaceId, id }: TenantKey,
): Promise<void> {
  await em.execute(
    '/* removeSecrets */ delete from endpoint_secret where workspace_id = ? and endpoint_id = ?',
    [workspaceId, id],
  )
}
