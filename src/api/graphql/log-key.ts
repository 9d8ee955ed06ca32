import { readAttemptUuid, uuidOf } from '../../rules/id.ts'
import type { TenantKey } from '../../store/endpoint.ts'
import type { Context } from './context.ts'

type Asking = Pick<Context, 'caller' | 'loaders'>

/**
 * The key of an event by its public id: with the caller's own workspace, or for the operator with
 * the one it is in. Null where no event can have this id; there need be none otherwise.
 */
export async function eventKey({ caller, loaders }: Asking, id: string): Promise<TenantKey | null> {
  const uuid = uuidOf('evt', id)
  if (uuid === undefined) return null
  if (caller.workspaceId !== null) return { workspaceId: caller.workspaceId, id: uuid }
  return loaders.eventOwner.load(uuid)
}

/** The key of a delivery by its public id; see {@link eventKey}. */
export async function deliveryKey(asking: Asking, id: string): Promise<TenantKey | null> {
  const uuid = uuidOf('dlv', id)
  return uuid === undefined ? null : keyOfDelivery(asking, uuid)
}

/** The key of an attempt by its public id: it is where its delivery is. */
export async function attemptKey(asking: Asking, id: string): Promise<TenantKey | null> {
  const uuid = uuidOf('att', id)
  if (uuid === undefined) return null
  const owner = await keyOfDelivery(asking, readAttemptUuid(uuid).deliveryUuid)
  return owner && { workspaceId: owner.workspaceId, id: uuid }
}

async function keyOfDelivery({ caller, loaders }: Asking, id: string): Promise<TenantKey | null> {
  if (caller.workspaceId !== null) return { workspaceId: caller.workspaceId, id }
  return loaders.deliveryOwner.load(id)
}
