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

/**
 * What an endpoint is after a person enabled it: nothing is held against it. It was down since it
 * was disabled, and is until a success shows that it is not.
 */
export async function resetEndpointHealth(
  em: EntityManager,
  {
    workspaceId,
    id,
    at,
    disabledAt,
  }: TenantKey & { readonly at: Date; readonly disabledAt: Date | null },
): Promise<void> {
  await em.execute(
    `/* resetEndpointHealth */
    insert into endpoint_health
      (endpoint_id, workspace_id, consecutive_failures, circuit, as_of, down_since)
    values (?, ?, 0, 'CLOSED', ?, ?)
    on conflict (endpoint_id, workspace_id) do update set
      consecutive_failures = 0, failing_since = null, circuit = 'CLOSED', parked_until = null,
      as_of = excluded.as_of,
      down_since = coalesce(endpoint_health.down_since, excluded.down_since)`,
    [id, workspaceId, at, disabledAt],
  )
}

/** A person wants it attempted now: its pause ends, or the probe of its open circuit is due. */
export async function unparkEndpoint(
  em: EntityManager,
  { workspaceId, id, at }: TenantKey & { readonly at: Date },
): Promise<void> {
  await em.execute(
    `/* unparkEndpoint */
    update endpoint_health set parked_until = ?
    where endpoint_id = ? and workspace_id = ? and parked_until > ?`,
    [at, id, workspaceId, at],
  )
}

/** How many deliveries wait for one endpoint. */
export type DueCount = TenantKey & { readonly waiting: number }

/** Deliveries that wait for each endpoint, counted to `countMax` and one more at most. */
export async function countDueByEndpoint(
  em: EntityManager,
  keys: readonly TenantKey[],
): Promise<readonly DueCount[]> {
  return em.execute<DueCount[]>(
    `/* countDueByEndpoint */
    select asked.workspace_id as "workspaceId", asked.id, counted.waiting
    from unnest(?::uuid[], ?::uuid[]) as asked (workspace_id, id)
    cross join lateral (
      select count(*)::int as waiting
      from (
        select 1 from due
        where due.endpoint_id = asked.id and due.workspace_id = asked.workspace_id limit ?
      ) as bounded
    ) as counted`,
    [
      `{${keys.map(({ workspaceId }) => workspaceId).join()}}`,
      `{${keys.map(({ id }) => id).join()}}`,
      countMax + 1,
    ],
  )
}
