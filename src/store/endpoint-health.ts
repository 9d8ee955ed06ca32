import type { EntityManager } from '@mikro-orm/postgresql'
import { type EndpointHealth, EndpointHealthEntity } from '../model/endpoint-health.ts'
import { countMax } from '../limits.ts'
import type { TenantKey } from './endpoint.ts'

/** What is known of endpoints, in no order; those of which nothing is known are left out. */
export async function findEndpointHealth(
  em: EntityManager,
  keys: readonly TenantKey[],
): Promise<EndpointHealth[]> {
  const where = { $or: keys.map(({ workspaceId, id }) => ({ workspaceId, endpointId: id })) }
  return em.find(EndpointHealthEntity, where, { comments: 'findEndpointHealth' })
}

/** What an endpoint is after a person enabled it: nothing is held against it. */
export async function resetEndpointHealth(
  em: EntityManager,
  { workspaceId, id, at }: TenantKey & { readonly at: Date },
): Promise<void> {
  await em.execute(
    `/* resetEndpointHealth */
    update endpoint_health
    set consecutive_failures = 0, failing_since = null, circuit = 'CLOSED', parked_until = null,
      as_of = ?
    where endpoint_id = ? and workspace_id = ?`,
    [at, id, workspaceId],
  )
}

/** Deliveries that wait for each endpoint, counted to `countMax` and one more at most. */
export async function countDue(
  em: EntityManager,
  endpointIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await em.execute<{ endpointId: string; waiting: number }[]>(
    `/* countDue */
    select asked.id as "endpointId", counted.waiting
    from unnest(?::uuid[]) as asked (id)
    cross join lateral (
      select count(*)::int as waiting
      from (select 1 from due where due.endpoint_id = asked.id limit ?) as bounded
    ) as counted`,
    [`{${endpointIds.join(',')}}`, countMax + 1],
  )
  return new Map(rows.map(({ endpointId, waiting }) => [endpointId, waiting]))
}
