import type { Clock } from '../clock.ts'
import type { Pool } from '../db.ts'
import { dutyBatchMax } from '../limits.ts'
import { newUuid } from '../rules/id.ts'
import { againIfOvertaken } from '../store/conflict.ts'
import { cancelDue, type DueLane } from '../store/due.ts'

/** What cancelling needs. */
export type CancelContext = {
  readonly pool: Pool
  readonly clock: Clock
  /** Changes were committed: subscribers may look. */
  readonly changed: (workspaceIds: readonly string[]) => void
}

/** Cancels all that waits for an endpoint that was deleted, a transaction for each batch. */
export async function cancelWaiting(
  { pool, clock, changed }: CancelContext,
  { endpointId, workspaceId }: DueLane,
): Promise<void> {
  for (;;) {
    const at = clock.now()
    const changeId = newUuid(at.getTime())
    const lane = { endpointId, workspaceId, changeId, at, limit: dutyBatchMax }
    if ((await againIfOvertaken(() => cancelDue(pool, lane))) === 0) return
    changed([workspaceId])
  }
}
