import type { EntityManager } from '@mikro-orm/postgresql'
import { notFound } from '../errors.ts'
import type { AuditAction } from '../model/audit-entry.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { type Facts, factsChange } from '../rules/facts.ts'
import { lockEndpoint, type TenantKey } from '../store/endpoint.ts'
import { raiseSubscriptionsVersion } from '../store/workspace.ts'
import { type ChangeNote, noteChange } from './audit.ts'
import { endpointFacts, shownFacts } from './endpoint-facts.ts'
import type { ControlPorts } from './ports.ts'

/** Which endpoint, and what is done with it in the words of the audit log. */
export type EndpointWish = { readonly key: TenantKey; readonly action: AuditAction }

/** What to do with the endpoint inside the transaction. Answers what else there is to note. */
export type EndpointChange = (
  endpoint: Endpoint,
  em: EntityManager,
) => Promise<Facts | void> | Facts | void

/**
 * The one way an endpoint is changed: locked, changed, its versions raised in the same
 * transaction, so that publishing and its lane read it again, the change noted where there is one,
 * and the lane told after the commit.
 */
export async function changeEndpoint(
  ports: ControlPorts,
  { key, action }: EndpointWish,
  change: EndpointChange,
): Promise<Endpoint> {
  const { clock, database, sealer, wake } = ports
  const changed = await database.orm.em.fork().transactional(async (em) => {
    const endpoint = await lockEndpoint(em, key)
    if (!endpoint) throw notFound('Endpoint')
    const before = endpointFacts(sealer, endpoint)
    const others = (await change(endpoint, em)) ?? {}
    const after = { ...endpointFacts(sealer, endpoint), ...others }
    endpoint.version += 1
    endpoint.updatedAt = clock.now()
    await raiseSubscriptionsVersion(em, key.workspaceId)
    const changes = endpoint.deletedAt ? { before, after: null } : factsChange(before, after)
    if (changes) noteChange(ports, em, noteOf({ key, action }, changes))
    return endpoint
  })
  wake.endpointChanged(key.id)
  return changed
}

type Sides = { readonly before: Facts; readonly after: Facts | null }

function noteOf({ key, action }: EndpointWish, { before, after }: Sides): ChangeNote {
  const target = { workspaceId: key.workspaceId, targetId: key.id }
  return { action, ...target, before: shownFacts(before), after: shownFacts(after) }
}
