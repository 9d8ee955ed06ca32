import type { EntityManager } from '@mikro-orm/postgresql'
import type { z } from 'zod'
import { AppError } from '../errors.ts'
import { endpointsPerWorkspaceMax, timeoutSecondsDefault } from '../limits.ts'
import { type Endpoint, EndpointEntity } from '../model/endpoint.ts'
import type { Workspace } from '../model/workspace.ts'
import { newUuid, publicId } from '../rules/id.ts'
import { generateSecret } from '../rules/secret-format.ts'
import { wireFormats } from '../rules/wire-formats.ts'
import { violates } from '../store/conflict.ts'
import { countEndpoints } from '../store/endpoint.ts'
import { raiseSubscriptionsVersion } from '../store/workspace.ts'
import { noteChange } from './audit.ts'
import {
  creation,
  type EndpointCreation,
  isAboutInput,
  refusalOfCreation,
  requireSecret,
} from './endpoint-creation.ts'
import { endpointFacts, shownFacts } from './endpoint-facts.ts'
import { patternsOf, requireUrl, sealHeaders } from './endpoint-fields.ts'
import { pingEndpoint } from './endpoint-ping.ts'
import { addSecret } from './endpoint-secrets.ts'
import { readInput } from './input.ts'
import type { ControlPorts } from './ports.ts'
import { requireKnownTypes } from './subscription-check.ts'

/** An endpoint with its secret, which nobody is shown again. */
export type CreatedEndpoint = {
  readonly endpoint: Endpoint
  readonly secret: string
  /** The ping it was greeted with, if any. */
  readonly pingDeliveryId: string | null
}

/** Adds an endpoint to a workspace. From its commit on, events published reach it. */
export async function createEndpoint(
  ports: ControlPorts,
  workspace: Workspace,
  input: EndpointCreation,
): Promise<CreatedEndpoint> {
  try {
    return await create(ports, workspace, input)
  } catch (error) {
    if (!isAboutInput(error)) throw error
    throw (await refusalOfCreation(ports, workspace, { given: input })) ?? error
  }
}

async function create(
  ports: ControlPorts,
  workspace: Workspace,
  input: EndpointCreation,
): Promise<CreatedEndpoint> {
  const wanted = readInput(creation, input)
  const url = requireUrl(wanted.url, ports.urlRules)
  const wireFormat = wanted.wireFormat ?? workspace.wireFormat
  const secret = wanted.secret ?? generateSecret()
  requireSecret(wireFormat, secret)
  const { database } = ports
  const endpoint = await database.orm.em
    .fork()
    .transactional(async (em) => {
      await raiseSubscriptionsVersion(em, workspace.id)
      await requireRoom(em, workspace.id)
      const wish = { workspaceId: workspace.id, list: wanted.eventTypes, had: [] }
      await requireKnownTypes(em, wish)
      const created = newEndpoint(ports, em, { ...wanted, url, wireFormat, workspace })
      await em.flush() // the secret's foreign key needs it
      addSecret(ports, em, { endpoint: created, secret })
      noteCreation(ports, em, created)
      return created
    })
    .catch((error: unknown) => {
      throw violates(error, 'endpoint_external_id_key') ? taken(wanted.externalId, error) : error
    })
  const wantsPing = wanted.ping ?? wireFormats[wireFormat].pingOnCreation
  const pingDeliveryId = wantsPing ? await greet(ports, endpoint) : null
  return { endpoint, secret, pingDeliveryId }
}

type Wanted = z.output<typeof creation> & {
  readonly url: string
  readonly wireFormat: Endpoint['wireFormat']
  readonly workspace: Workspace
}

function newEndpoint(ports: ControlPorts, em: EntityManager, wanted: Wanted): Endpoint {
  const { url, wireFormat, workspace } = wanted
  const createdAt = ports.clock.now()
  const key = { workspaceId: workspace.id, id: newUuid(createdAt.getTime()) }
  return em.create(EndpointEntity, {
    ...key,
    externalId: wanted.externalId ?? null,
    url,
    description: wanted.description ?? null,
    eventTypes: patternsOf(wanted.eventTypes),
    wireFormat,
    status: 'ENABLED',
    headersSealed: sealHeaders(ports.sealer, wanted.headers ?? [], key),
    timeoutSeconds: wanted.timeoutSeconds ?? timeoutSecondsDefault,
    retrySchedule: wanted.retrySchedule ?? [...wireFormats[wireFormat].retrySchedule],
    rateLimitPerSecond: wanted.rateLimitPerSecond ?? null,
    ordered: wanted.ordered ?? false,
    metadata: wanted.metadata ?? {},
    version: 0,
    createdAt,
    updatedAt: createdAt,
  })
}

function noteCreation(ports: ControlPorts, em: EntityManager, created: Endpoint): void {
  const { workspaceId, id: targetId } = created
  const after = shownFacts(endpointFacts(ports.sealer, created))
  noteChange(ports, em, { action: 'ENDPOINT_CREATED', workspaceId, targetId, before: null, after })
}

async function requireRoom(em: EntityManager, workspaceId: string): Promise<void> {
  const limit = endpointsPerWorkspaceMax
  const count = await countEndpoints(em, { workspaceId })
  if (count < limit) return
  const message = `This workspace has ${count} endpoints, the limit.`
  throw new AppError('LIMIT_EXCEEDED', message, { limit })
}

/** The endpoint exists and its secret must be shown, so a ping that fails is not its failure. */
async function greet(ports: ControlPorts, endpoint: Endpoint): Promise<string | null> {
  try {
    return await pingEndpoint(ports, endpoint)
  } catch (error) {
    const line = { err: error, endpoint: publicId('wh', endpoint.id) }
    ports.log.warn(line, 'new endpoint was not pinged')
    return null
  }
}

function taken(externalId: string | undefined, cause: unknown): AppError {
  const message = `externalId: another endpoint of this workspace has "${externalId}".`
  return new AppError('CONFLICT', message, { cause })
}
