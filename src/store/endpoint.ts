import type { EntityManager } from '@mikro-orm/postgresql'
import { type Endpoint, EndpointEntity, type EndpointStatus } from '../model/endpoint.ts'
import { patternsFor } from '../rules/event-match.ts'
import { type Slice, sliced } from './slice.ts'

/** One row of a tenant table: no statement finds one without its workspace. */
export type TenantKey = { readonly workspaceId: string; readonly id: string }

/** Which endpoints of one workspace; all given conditions hold together. */
export type EndpointCondition = {
  readonly workspaceId: string
  readonly status?: EndpointStatus | undefined
  /** Endpoints that would receive an event of this type. */
  readonly eventType?: string | undefined
  readonly externalId?: string | undefined
}

/** Endpoints by key, in no order. Deleted ones are found: the log points at them. */
export async function findEndpoints(
  em: EntityManager,
  keys: readonly TenantKey[],
): Promise<Endpoint[]> {
  const where = { $or: keys.map(({ workspaceId, id }) => ({ workspaceId, id })) }
  return em.find(EndpointEntity, where, { comments: 'findEndpoints' })
}

/** An endpoint that is not deleted. */
export async function findEndpoint(
  em: EntityManager,
  { workspaceId, id }: TenantKey,
): Promise<Endpoint | null> {
  const where = { workspaceId, id, deletedAt: null }
  return em.findOne(EndpointEntity, where, { comments: 'findEndpoint' })
}

/**
 * An endpoint that is not deleted, locked until the commit. Rows that refer to it may come
 * meanwhile: a result of its, with its health, waits for nobody here, and so never in a circle.
 */
export async function lockEndpoint(em: EntityManager, key: TenantKey): Promise<Endpoint | null> {
  await em.execute(
    `/* lockEndpoint */
    select from endpoint where workspace_id = ? and id = ? for no key update`,
    [key.workspaceId, key.id],
  )
  return findEndpoint(em, key)
}

/** The workspaces that endpoints belong to, for callers who are in none: the operator alone. */
export async function findEndpointOwners(
  em: EntityManager,
  ids: readonly string[],
): Promise<TenantKey[]> {
  return em.execute<TenantKey[]>(
    `/* findEndpointOwners */
    select endpoint.id, workspace_id as "workspaceId" from endpoint
    join workspace on workspace.id = workspace_id and workspace.deleted_at is null
    where endpoint.id = any(?::uuid[])`,
    [`{${ids.join(',')}}`],
  )
}

/** A part of the list of one workspace's endpoints. */
export async function listEndpoints(
  em: EntityManager,
  condition: EndpointCondition,
  slice: Slice,
): Promise<Endpoint[]> {
  const { where, options } = sliced(slice)
  const comments = 'listEndpoints'
  return em.find(EndpointEntity, { ...met(condition), ...where }, { ...options, comments })
}

/** How many endpoints meet the condition. */
export async function countEndpoints(
  em: EntityManager,
  condition: EndpointCondition,
): Promise<number> {
  return em.count(EndpointEntity, met(condition), { comments: 'countEndpoints' })
}

function met({ workspaceId, status, eventType, externalId }: EndpointCondition) {
  return {
    workspaceId,
    deletedAt: null,
    ...(status !== undefined && { status }),
    ...(externalId !== undefined && { externalId }),
    ...(eventType !== undefined && { eventTypes: { $overlap: patternsFor(eventType) } }),
  }
}
