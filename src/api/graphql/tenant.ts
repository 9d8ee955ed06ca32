import { invalidInput, notFound } from '../../errors.ts'
import { uuidOf } from '../../rules/id.ts'
import type { TenantKey } from '../../store/endpoint.ts'
import type { Context } from './context.ts'

type Asking = Pick<Context, 'caller' | 'loaders'>

/**
 * The workspace that a `workspaceId` argument means. Left out, it is the key's own; an operator
 * must name one. Another's workspace is answered as one that does not exist (promise P7).
 */
export async function workspaceMeant(
  { caller, loaders }: Asking,
  workspaceId: string | null | undefined,
): Promise<string> {
  const uuid = workspaceNamed({ caller }, workspaceId)
  if (uuid !== caller.workspaceId && !(await loaders.workspace.load(uuid)))
    throw notFound('Workspace')
  return uuid
}

/** The same for what looks itself whether there is such a workspace. */
export function workspaceNamed(
  { caller }: Pick<Asking, 'caller'>,
  workspaceId: string | null | undefined,
): string {
  if (workspaceId === null || workspaceId === undefined) {
    if (caller.workspaceId !== null) return caller.workspaceId
    throw invalidInput([{ path: ['workspaceId'], message: 'is required with an operator key.' }])
  }
  const uuid = uuidOf('ws', workspaceId)
  const isAnothers = caller.workspaceId !== null && uuid !== caller.workspaceId
  if (uuid === undefined || isAnothers) throw notFound('Workspace')
  return uuid
}

/** The key of an endpoint by its public id, for a change to it. It may not exist. */
export async function endpointMeant(asking: Asking, id: string): Promise<TenantKey> {
  const key = await endpointKey(asking, id)
  if (!key) throw notFound('Endpoint')
  return key
}

/** The same, for a question: null where no endpoint can have this id. */
export async function endpointKey(
  { caller, loaders }: Asking,
  id: string,
): Promise<TenantKey | null> {
  const uuid = uuidOf('wh', id)
  if (uuid === undefined) return null
  if (caller.workspaceId !== null) return { workspaceId: caller.workspaceId, id: uuid }
  return loaders.endpointOwner.load(uuid)
}
