import { createApiKey } from '../control/api-keys.ts'
import { createEventType } from '../control/event-types.ts'
import type { ControlPorts } from '../control/ports.ts'
import { createWorkspace } from '../control/workspaces.ts'
import { AppError } from '../errors.ts'
import { systemActor } from '../model/audit-entry.ts'
import type { EventTypeStatus } from '../model/event-type.ts'
import type { Workspace } from '../model/workspace.ts'
import { hashApiKey } from '../rules/api-key-text.ts'
import { publicId } from '../rules/id.ts'
import { findApiKeyByHash } from '../store/api-key.ts'
import { findWorkspaceByExternalId } from '../store/workspace.ts'
import catalogue from './catalogue.json' with { type: 'json' }
import type { Keyring } from './keyring.ts'

/** What a newcomer needs to begin. */
export type FirstWorkspace = {
  /** As the API shows it. */
  readonly workspaceId: string
  readonly key: string
}

type Ports = Omit<ControlPorts, 'actor'> & { readonly config: { readonly apiRateLimit: number } }

/** By this the operator, who is us, knows it again. */
const externalId = 'first-workspace'

/**
 * A workspace with a key that may do everything in it, and event types with examples to publish.
 * All is made once; a key that was revoked or whose text was lost is made anew.
 */
export async function openFirstWorkspace(ports: Ports, keyring: Keyring): Promise<FirstWorkspace> {
  const acting = { ...ports, actor: systemActor }
  const { id } = await findOrCreateWorkspace(acting)
  const workspaceId = publicId('ws', id)
  const kept = keyring.workspaceKey()
  if (kept !== null && (await isUsable(acting, kept, id))) return { workspaceId, key: kept }
  const owner = { workspaceId: id, rateLimitPerMinuteDefault: ports.config.apiRateLimit }
  const { key } = await createApiKey(acting, owner, {
    name: 'First key',
    scopes: ['MANAGE', 'PUBLISH', 'READ'],
  })
  await keyring.keepWorkspaceKey(key)
  return { workspaceId, key }
}

/** The workspace comes last: where it is, the catalogue is too, also after a kill in between. */
async function findOrCreateWorkspace(ports: ControlPorts): Promise<Workspace> {
  const found = await findWorkspaceByExternalId(ports.database.orm.em.fork(), externalId)
  if (found) return found
  await seedCatalogue(ports)
  return createWorkspace(ports, { name: 'First workspace', externalId })
}

type CatalogueEntry = {
  readonly name: string
  readonly description?: string
  readonly status: string
  readonly example?: unknown
}

async function seedCatalogue(ports: ControlPorts): Promise<void> {
  for (const entry of catalogue as readonly CatalogueEntry[]) {
    const status = entry.status as EventTypeStatus
    await createEventType(ports, { ...entry, status }).catch((error: unknown) => {
      if (!(error instanceof AppError && error.code === 'CONFLICT')) throw error
    })
  }
}

async function isUsable({ database, clock }: ControlPorts, text: string, workspaceId: string) {
  const key = await findApiKeyByHash(database.orm.em.fork(), hashApiKey(text))
  if (!key || key.workspaceId !== workspaceId || key.revokedAt) return false
  return !key.expiresAt || key.expiresAt > clock.now()
}
