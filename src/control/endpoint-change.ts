import type { EntityManager } from '@mikro-orm/postgresql'
import { notFound } from '../errors.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { lockEndpoint, type TenantKey } from '../store/endpoint.ts'
import { raiseSubscriptionsVersion } from '../store/workspace.ts'
import type { ControlPorts } from './ports.ts'

/** What to do with the endpoint inside the transaction. */
export type EndpointChange = (endpoint: Endpoint, em: EntityManager) => Promise<void> | void

/**
 * The one way an endpoint is changed: locked, changed, its versions raised in the same
 * transaction, so that publishing and its lane read it again, and the lane told after the commit.
 */
export async function changeEndpoint(
  ports: ControlPorts,
  key: TenantKey,
  change: EndpointChange,
): Promise<Endpoint> {
  const { clock, database, wake } = ports
  const changed = await database.orm.em.fork().transactional(async (em) => {
    const endpoint = await lockEndpoint(em, key)
    if (!endpoint) throw notFound('Endpoint')
    await change(endpoint, em)
    endpoint.version += 1
    endpoint.updatedAt = clock.now()
    await raiseSubscriptionsVersion(em, key.workspaceId)
    return endpoint
  })
  wake.endpointChanged(key.id)
  return changed
}
