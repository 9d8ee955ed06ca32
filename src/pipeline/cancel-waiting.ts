import type { Clock } from '../clock.ts'
import type { Pool } from '../db.ts'
import { cancelBatchMax } from '../limits.ts'
import { newUuid } from '../rules/id.ts'
import { cancelDue } from '../store/due.ts'

type CancelContext = {
  readonly pool: Pool
  readonly clock: Clock
  readonly changed: (workspaceIds: readonly string[]) => void
}

/** Cancels all that waits for an endpoint that was deleted, some at a time: it may be millions. */
export async function cancelWaiting(
  { pool, clock, changed }: CancelContext,
  { endpointId, workspaceId }: { endpointId: string; workspaceId: string },
): Promise<void> {
  for (;;) {
    const at = clock.now()
    const changeId = newUuid(at.getTime())
    const lane = { endpointId, workspaceId, changeId, at, limit: cancelBatchMax }
    if ((await cancelDue(pool, lane)) === 0) return
    changed([workspaceId])
  }
}
