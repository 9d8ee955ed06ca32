import type { Log } from '../log.ts'
import type { Health } from '../rules/circuit.ts'
import { publicId } from '../rules/id.ts'
import type { LaneEndpoint } from './stages.ts'

/** An endpoint's health before and after an attempt. */
export type HealthChange = { readonly before: Health; readonly after: Health }

/** One line when an endpoint is parked and one when it is served again, none for its probes. */
export function logCircuit(
  log: Pick<Log, 'warn' | 'info'>,
  { endpointId, workspaceId }: LaneEndpoint,
  { before, after }: HealthChange,
): void {
  if (before.circuit === after.circuit) return
  const whose = { endpoint: publicId('wh', endpointId), workspace: publicId('ws', workspaceId) }
  const { consecutiveFailures, parkedUntil } = after
  if (after.circuit === 'CLOSED') log.info(whose, 'circuit closed: the endpoint answers again')
  else if (before.circuit === 'CLOSED') {
    log.warn({ ...whose, consecutiveFailures, parkedUntil }, 'circuit opened: endpoint parked')
  }
}
