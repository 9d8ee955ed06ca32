import type { DeliveryStatus, DeliveryTrigger } from '../rules/delivery-state.ts'
import type { AttemptResult } from '../rules/outcome.ts'

/**
 * Which deliveries are meant. All conditions hold together; null: any will do. An empty list fits
 * nothing, and so does a list of ids that are another workspace's.
 */
export type DeliveryFilter = {
  readonly endpointIds: readonly string[] | null
  readonly eventId: string | null
  readonly eventTypes: readonly string[] | null
  readonly statuses: readonly DeliveryStatus[] | null
  readonly triggers: readonly DeliveryTrigger[] | null
  readonly lastResults: readonly AttemptResult[] | null
  /** Inclusive, as is the maximum. A delivery without an answer fits neither. */
  readonly lastStatusCodeMin: number | null
  readonly lastStatusCodeMax: number | null
  /** Inclusive. */
  readonly createdSince: Date | null
  /** Exclusive. */
  readonly createdUntil: Date | null
}

/** Every delivery fits. */
export const anyDelivery: DeliveryFilter = {
  endpointIds: null,
  eventId: null,
  eventTypes: null,
  statuses: null,
  triggers: null,
  lastResults: null,
  lastStatusCodeMin: null,
  lastStatusCodeMax: null,
  createdSince: null,
  createdUntil: null,
}
