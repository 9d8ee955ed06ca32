import { createEndpoint } from '../../control/endpoint-create.ts'
import { refusalOfCreation } from '../../control/endpoint-creation.ts'
import { deleteEndpoint } from '../../control/endpoint-switch.ts'
import { notFound } from '../../errors.ts'
import { endpointsPerWorkspaceMax } from '../../limits.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { publicId } from '../../rules/id.ts'
import { listEndpoints } from '../../store/endpoint.ts'
import { afterAllIds, beforeAllIds } from '../../store/slice.ts'
import { readJsonText } from '../body.ts'
import { endpointMeant, workspaceMeant } from '../graphql/tenant.ts'
import { type Answer, json, type Route } from '../http.ts'
import type { Services } from '../services.ts'
import { type RestRequest, restRoute } from './rest-route.ts'
import { inWebhookWords, readWebhookCreation } from './webhook-input.ts'

const path = '/v1/platform/webhooks'

/** Endpoints over REST, as TutorFlow documents it to its clients. The rest is GraphQL alone. */
export function webhookRoutes(services: Services): readonly Route[] {
  const collection = {
    GET: { scope: 'READ', answer: list },
    POST: { scope: 'MANAGE', answer: create },
  } as const
  const single = { DELETE: { scope: 'MANAGE', answer: remove } } as const
  return [restRoute(path, collection, services), restRoute(`${path}/`, single, services)]
}

/** All of them: there are never more than one answer holds. */
async function list(request: RestRequest): Promise<Answer> {
  const workspaceId = await workspaceOf(request)
  const em = request.services.database.orm.em.fork()
  const all = { newerThan: beforeAllIds, olderThan: afterAllIds, order: 'newest' } as const
  const slice = { ...all, limit: endpointsPerWorkspaceMax }
  const endpoints = await listEndpoints(em, { workspaceId }, slice)
  return json(200, { data: endpoints.map(shown) })
}

async function create(request: RestRequest): Promise<Answer> {
  const { exchange, loaders, services } = request
  const workspace = await loaders.workspace.load(await workspaceOf(request))
  if (!workspace) throw notFound('Workspace')
  const wanted = readWebhookCreation(await readJsonText(exchange.request))
  try {
    if (!wanted.ok) throw await refusalOfCreation(services, workspace, wanted)
    const { endpoint, secret } = await createEndpoint(services, workspace, wanted.given)
    const { createdAt, ...rest } = shown(endpoint)
    return json(201, { ...rest, secret, createdAt })
  } catch (error) {
    throw inWebhookWords(error)
  }
}

async function remove(request: RestRequest): Promise<Answer> {
  const id = request.exchange.url.pathname.slice(path.length + 1)
  await deleteEndpoint(request.services, await endpointMeant(request, id))
  return { status: 204 }
}

/** The key's own; an operator names one with `?workspaceId=`. */
function workspaceOf(request: RestRequest): Promise<string> {
  return workspaceMeant(request, request.exchange.url.searchParams.get('workspaceId'))
}

function shown({ id, url, eventTypes, createdAt }: Endpoint) {
  return {
    id: publicId('wh', id),
    url,
    events: eventTypes,
    createdAt: createdAt.toISOString(),
  }
}
