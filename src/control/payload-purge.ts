import { inTransaction } from '../db.ts'
import { purgeTriesMax } from '../limits/forgetting.ts'
import { newUuid } from '../rules/id.ts'
import { gaveWay, lostADeadlock } from '../store/conflict.ts'
import type { TenantKey } from '../store/endpoint.ts'
import { purgeAttempts, purgeDeliveries, purgeEvent } from '../store/payload-purge.ts'
import type { DeliveryPorts } from './deliveries.ts'
import type { ControlPorts } from './ports.ts'

/** What a purge needs. */
export type PurgePorts = DeliveryPorts & Pick<ControlPorts, 'actor'>

/**
 * Removes the payloads of events, and what receivers answered to them, for good; each event in a
 * transaction of its own. What waits is cancelled. Purging again changes nothing.
 */
export async function purgePayloads(ports: PurgePorts, keys: readonly TenantKey[]): Promise<void> {
  for (const key of keys) {
    const endpointIds = await purgeAtLast(ports, key, purgeTriesMax)
    ports.hub.changed([key.workspaceId])
    await ports.wake.lanes(endpointIds)
  }
}

/**
 * Results of the same deliveries that are recorded at once lock them in their own order: whoever
 * loses tries again.
 */
async function purgeAtLast(ports: PurgePorts, key: TenantKey, tries: number): Promise<string[]> {
  try {
    return await purge(ports, key)
  } catch (error) {
    if (tries <= 1 || !(lostADeadlock(error) || gaveWay(error))) throw error
    return purgeAtLast(ports, key, tries - 1)
  }
}

function purge({ actor, clock, database }: PurgePorts, key: TenantKey): Promise<string[]> {
  const at = clock.now()
  const [auditEntryId, changeId] = [newUuid(at.getTime()), newUuid(at.getTime())]
  const wish = { key, actor, at, auditEntryId, changeId }
  return inTransaction(database.pool, async (client) => {
    await purgeEvent(client, wish)
    const deliveries = await purgeDeliveries(client, wish)
    const ids = deliveries.map(({ id }) => id)
    if (ids.length > 0) await purgeAttempts(client, key.workspaceId, ids)
    const waited = deliveries.filter((delivery) => delivery.waited)
    return [...new Set(waited.map(({ endpointId }) => endpointId))]
  })
}
