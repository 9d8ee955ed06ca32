import { inTransaction } from '../db.ts'
import { AppError, notFound } from '../errors.ts'
import { attemptsPerDeliveryMax, retriesMax } from '../limits.ts'
import { nextStatus } from '../rules/delivery-state.ts'
import { newUuid } from '../rules/id.ts'
import {
  cancelDelivery as cancelLocked,
  type DeliveryChange,
  lockDelivery,
  type LockedDelivery,
  requeueDelivery,
} from '../store/delivery-change.ts'
import type { TenantKey } from '../store/endpoint.ts'
import type { ControlPorts } from './ports.ts'

/** What a person's wish about a delivery needs. */
export type DeliveryPorts = Pick<ControlPorts, 'clock' | 'database' | 'wake'> & {
  readonly hub: {
    /** Changes of these workspaces were committed. */
    readonly changed: (workspaceIds: readonly string[]) => void
  }
}

/**
 * Attempts a delivery at once, whatever its status but PENDING, and goes back to the start of its
 * retry schedule. INVALID_STATE where that cannot be.
 */
export async function retryDelivery(ports: DeliveryPorts, key: TenantKey): Promise<void> {
  await changeDelivery(ports, key, async (client, delivery) => {
    const refusal = whyNotRetried(delivery)
    if (refusal !== undefined) throw new AppError('INVALID_STATE', refusal)
    const status = delivery.attemptCount === 0 ? 'PENDING' : nextStatus(delivery.status, 'RETRY')
    await requeueDelivery(client, stamped(ports, delivery, status))
  })
}

/** Ends a delivery that waits. INVALID_STATE where it has ended already. */
export async function cancelDelivery(ports: DeliveryPorts, key: TenantKey): Promise<void> {
  await changeDelivery(ports, key, async (client, delivery) => {
    const status = nextStatus(delivery.status, 'CANCEL')
    if (status === delivery.status) {
      throw new AppError('INVALID_STATE', `This delivery has ended: it is ${status}.`)
    }
    await cancelLocked(client, stamped(ports, delivery, status))
  })
}

type Change = (
  client: Parameters<typeof lockDelivery>[0],
  delivery: LockedDelivery,
) => Promise<void>

async function changeDelivery(ports: DeliveryPorts, key: TenantKey, change: Change): Promise<void> {
  const endpointId = await inTransaction(ports.database.pool, async (client) => {
    const delivery = await lockDelivery(client, key)
    if (!delivery) throw notFound('Delivery')
    await change(client, delivery)
    return delivery.endpointId
  })
  ports.hub.changed([key.workspaceId])
  await ports.wake.lanes([endpointId])
}

function stamped(
  { clock }: DeliveryPorts,
  delivery: LockedDelivery,
  status: DeliveryChange['status'],
): DeliveryChange {
  const at = clock.now()
  return { delivery, status, at, changeId: newUuid(at.getTime()) }
}

/** Its numbers have room for one more schedule: an attempt's id holds no more than 12 bits. */
const attemptsMax = attemptsPerDeliveryMax - retriesMax - 1

function whyNotRetried(delivery: LockedDelivery): string | undefined {
  const { status, attemptCount, endpointState, payloadPurgedAt } = delivery
  if (status === 'PENDING') return 'This delivery is PENDING: it waits for its first attempt.'
  if (payloadPurgedAt) return 'The payload of this event was purged: there is nothing to send.'
  if (endpointState === 'DELETED') return 'The endpoint of this delivery was deleted.'
  if (endpointState === 'DISABLED') return 'The endpoint of this delivery is disabled.'
  if (attemptCount <= attemptsMax) return undefined
  return `This delivery had ${attemptCount} attempts, limit ${attemptsMax}.`
}
