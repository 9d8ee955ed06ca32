import type { DeliveryPorts } from '../../control/deliveries.ts'
import { notFound } from '../../errors.ts'
import type { StoredDelivery } from '../../store/delivery.ts'
import type { TenantKey } from '../../store/endpoint.ts'
import type { Context } from './context.ts'
import { deliveryKey } from './log-key.ts'

/** What comes of a change to one delivery. */
export type DeliverySuccess = { readonly delivery: StoredDelivery }

type Change = (ports: DeliveryPorts, key: TenantKey) => Promise<void>

/** Changes a delivery and reads it as it is then. */
export async function changedDelivery(
  context: Context,
  id: string,
  change: Change,
): Promise<DeliverySuccess> {
  const { loaders, services } = context
  const key = await deliveryKey(context, id)
  if (!key) throw notFound('Delivery')
  await change(services, key)
  const delivery = await loaders.delivery.clear(key).load(key)
  if (!delivery) throw notFound('Delivery')
  return { delivery }
}
