import { AppError, invalidInput, notFound } from '../errors.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { unknownName } from '../rules/event-match.ts'
import { publicId } from '../rules/id.ts'
import { findEndpoint, type TenantKey } from '../store/endpoint.ts'
import { unparkEndpoint } from '../store/endpoint-health.ts'
import { findEventTypesByName, listEventTypeNames } from '../store/event-type.ts'
import type { ControlPorts } from './ports.ts'

/** The event type of a ping that names no other; it is in no catalogue. */
const pingType = 'ping'

/** Sends an endpoint a ping of its own. Answers the delivery's id. */
export async function pingEndpoint(
  { publisher }: ControlPorts,
  { workspaceId, id }: TenantKey,
): Promise<string> {
  const payloadText = JSON.stringify({ endpointId: publicId('wh', id) })
  const ping = { workspaceId, endpointId: id, eventType: pingType, payloadText }
  return (await publisher.ping(ping)).deliveryId
}

/**
 * Tries an endpoint: sends it a ping, or the catalogue's example of an event type, whether it
 * subscribes to it or not, and nobody else. At once: no pause and no open circuit holds it back.
 */
export async function tryEndpoint(
  ports: ControlPorts,
  key: TenantKey,
  eventType: string | null,
): Promise<string> {
  const em = ports.database.orm.em.fork()
  const endpoint = await findEndpoint(em, key)
  if (!endpoint) throw notFound('Endpoint')
  requireEnabled(endpoint)
  await unparkEndpoint(em, { ...key, at: ports.clock.now() })
  const deliveryId = await sendTrial(ports, key, eventType)
  await ports.wake.lanes([key.id])
  return deliveryId
}

async function sendTrial(
  ports: ControlPorts,
  key: TenantKey,
  eventType: string | null,
): Promise<string> {
  if (eventType === null) return pingEndpoint(ports, key)
  const payloadText = await exampleOf(ports, eventType)
  const { workspaceId, id } = key
  const ping = { workspaceId, endpointId: id, eventType, payloadText }
  return (await ports.publisher.ping(ping)).deliveryId
}

/** Refuses what only an enabled endpoint can have. */
export function requireEnabled({ status }: Endpoint): void {
  if (status === 'ENABLED') return
  throw new AppError('INVALID_STATE', 'The endpoint is disabled. Enable it first.')
}

async function exampleOf({ database }: ControlPorts, eventType: string): Promise<string> {
  const em = database.orm.em.fork()
  const [found] = await findEventTypesByName(em, [eventType])
  const refuse = (message: string) => invalidInput([{ path: ['eventType'], message }])
  if (!found) throw refuse(unknownName(eventType, await listEventTypeNames(em)))
  if (found.example !== null && found.example !== undefined) return JSON.stringify(found.example)
  throw refuse(`"${eventType}" has no example in the catalogue.`)
}
