import type { DeliveryStatus, DeliveryTrigger } from '../rules/delivery-state.ts'
import type { AttemptResult } from '../rules/outcome.ts'
import type { Read } from './reads.ts'
import { boundsOf } from './slice.ts'

/** One event on its way to one endpoint, as stored. When it was created is in its id. */
export type StoredDelivery = {
  readonly id: string
  readonly workspaceId: string
  readonly endpointId: string
  readonly eventId: string
  readonly eventType: string
  readonly status: DeliveryStatus
  readonly trigger: DeliveryTrigger
  readonly attemptCount: number
  readonly nextAttemptAt: Date | null
  readonly completedAt: Date | null
  /** Of the last attempt; null: there was none. */
  readonly lastResult: AttemptResult | null
  /** Of the last attempt; null: there was none, or no answer. */
  readonly lastStatusCode: number | null
}

/** The columns of a `StoredDelivery`. */
export const deliveryColumns = `id, workspace_id as "workspaceId", endpoint_id as "endpointId",
  event_id as "eventId", event_type as "eventType", status, trigger,
  attempt_count as "attemptCount", next_attempt_at as "nextAttemptAt",
  completed_at as "completedAt", last_result as "lastResult",
  last_status_code as "lastStatusCode"`

/** Those of the given deliveries that this workspace has, in no particular order. */
export function readDeliveries(
  read: Read,
  workspaceId: string,
  ids: readonly string[],
): Promise<StoredDelivery[]> {
  return read({
    text: `/* readDeliveries */
      select ${deliveryColumns} from delivery
      where workspace_id = $1 and id = any($2::uuid[])
        and id between $3 and $4`,
    values: [workspaceId, ids, ...boundsOf(ids)],
  })
}
