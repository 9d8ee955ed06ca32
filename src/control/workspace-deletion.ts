import { setTimeout as wait } from 'node:timers/promises'
import { AppError, notFound } from '../errors.ts'
import { lanesToldMs } from '../limits/forgetting.ts'
import { operatorWorkspaceId } from '../rules/operational-event.ts'
import { knowsDeletion } from '../store/audit-entry.ts'
import {
  deleteEndpointsOf,
  markWorkspaceDeleted,
  removeApiKeysOf,
} from '../store/workspace-deletion.ts'
import { noteChange } from './audit.ts'
import type { ControlPorts } from './ports.ts'

/**
 * Deletes a workspace with everything in it. From the commit on nobody finds it, and publishing to
 * it is refused; its keys are gone, and refused everywhere within 5 s. The answer waits until every
 * lane, in whatever process, has heard of it: what waited is never sent after it. The rows are
 * erased by a duty of its own, which goes on after a restart. Deleting it again changes nothing.
 */
export async function deleteWorkspace(ports: ControlPorts, id: string): Promise<void> {
  if (id === operatorWorkspaceId) throw operatorsOwn()
  const { clock, database, wake } = ports
  const wish = { id, at: clock.now() }
  const endpointIds = await database.orm.em.fork().transactional(async (em) => {
    // Endpoints first, as everywhere; then those that came while the workspace was waited for.
    const present = await deleteEndpointsOf(em, wish)
    if (!(await markWorkspaceDeleted(em, wish))) return null
    const late = await deleteEndpointsOf(em, wish)
    await removeApiKeysOf(em, id)
    const target = { workspaceId: id, targetId: id, before: null, after: null }
    noteChange(ports, em, { action: 'WORKSPACE_DELETED', ...target })
    return [...present, ...late]
  })
  if (endpointIds === null) return requireDeletedBefore(ports, id)
  for (const endpointId of endpointIds) wake.endpointChanged(endpointId)
  if (endpointIds.length > 0) await wait(lanesToldMs)
}

/** Nothing is left of it in the end but the audit log. */
async function requireDeletedBefore({ database }: ControlPorts, id: string): Promise<void> {
  const em = database.orm.em.fork()
  if (!(await knowsDeletion(em, id))) throw notFound('Workspace')
}

function operatorsOwn(): AppError {
  const message = "This is the operator's own workspace, which is part of the program."
  return new AppError('INVALID_STATE', message)
}
