import { z } from 'zod'
import { AppError, notFound } from '../errors.ts'
import { externalIdLengthMax, nameLengthMax } from '../limits.ts'
import { type Workspace, WorkspaceEntity } from '../model/workspace.ts'
import { type Facts, factsChange } from '../rules/facts.ts'
import { newUuid } from '../rules/id.ts'
import { wireFormatNames } from '../rules/wire-formats.ts'
import { violates } from '../store/conflict.ts'
import { lockWorkspace } from '../store/workspace.ts'
import { noteChange } from './audit.ts'
import { changed, foreignId, freeText, givenOf, optional, readInput } from './input.ts'
import type { ControlPorts } from './ports.ts'

const creation = z.object({
  name: freeText(nameLengthMax),
  externalId: optional(foreignId(externalIdLengthMax)),
  wireFormat: optional(z.enum(wireFormatNames)),
})

/** What a new workspace is made of. */
export type WorkspaceCreation = z.input<typeof creation>

/** Adds a workspace: one customer of the platform. */
export async function createWorkspace(
  ports: ControlPorts,
  input: WorkspaceCreation,
): Promise<Workspace> {
  const { name, externalId, wireFormat } = readInput(creation, input)
  const em = ports.database.orm.em.fork()
  const createdAt = ports.clock.now()
  const workspace = em.create(WorkspaceEntity, {
    id: newUuid(createdAt.getTime()),
    name,
    externalId: externalId ?? null,
    wireFormat: wireFormat ?? 'STANDARD_WEBHOOKS',
    createdAt,
  })
  const own = { workspaceId: workspace.id, targetId: workspace.id }
  const after = workspaceFacts(workspace)
  noteChange(ports, em, { action: 'WORKSPACE_CREATED', ...own, before: null, after })
  await em.flush().catch((error: unknown) => {
    if (!violates(error, 'workspace_external_id_key')) throw error
    const message = `externalId: another workspace has "${externalId}".`
    throw new AppError('CONFLICT', message, { cause: error })
  })
  return workspace
}

const update = z.object({
  name: changed(freeText(nameLengthMax)),
  wireFormat: changed(z.enum(wireFormatNames)),
})

/** What can be changed of a workspace. */
export type WorkspaceUpdate = z.input<typeof update>

/** Changes a workspace. Its endpoints keep the wire format they have. */
export async function updateWorkspace(
  ports: ControlPorts,
  id: string,
  input: WorkspaceUpdate,
): Promise<Workspace> {
  const wanted = givenOf(readInput(update, input))
  return ports.database.orm.em.fork().transactional(async (em) => {
    const workspace = await lockWorkspace(em, id)
    if (!workspace) throw notFound('Workspace')
    const before = workspaceFacts(workspace)
    em.assign(workspace, wanted)
    const changes = factsChange(before, workspaceFacts(workspace))
    const own = { workspaceId: id, targetId: id }
    if (changes) noteChange(ports, em, { action: 'WORKSPACE_UPDATED', ...own, ...changes })
    return workspace
  })
}

function workspaceFacts({ name, externalId, wireFormat }: Workspace): Facts {
  return { name, externalId: externalId ?? null, wireFormat }
}
