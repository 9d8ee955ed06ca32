import type { Clock } from '../clock.ts'
import type { Pool } from '../db.ts'
import { autoDisableDays, autoDisableEveryMs, dayMs } from '../limits.ts'
import type { Log } from '../log.ts'
import { disableAndTell } from '../pipeline/disable.ts'
import { Rounds } from '../pipeline/rounds.ts'
import type { Tell } from '../pipeline/tell.ts'
import { publicId } from '../rules/id.ts'
import { findFailingEndpoints } from '../store/endpoint-disable.ts'

/** What disabling the endpoints that fail for good needs. */
export type AutoDisableContext = {
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Log
  readonly tell: Tell
  /** Its lane, wherever it is, looks at the endpoint again. */
  readonly endpointChanged: (endpointId: string) => void
}

/**
 * Disables endpoints that have failed for `autoDisableDays` without one success: from then on their
 * events are suppressed, can be replayed, and cost no attempts. A person enables them again.
 */
export function autoDisable(context: AutoDisableContext): AsyncDisposable {
  const rounds = new Rounds({
    everyMs: autoDisableEveryMs,
    run: () => disableFailing(context),
    failed: (error) => {
      context.log.error({ err: error }, 'auto-disable failed; it is done again in the next round')
    },
  })
  return { [Symbol.asyncDispose]: () => rounds.stop() }
}

/** One round. */
export async function disableFailing(context: AutoDisableContext): Promise<void> {
  const at = context.clock.now()
  const since = new Date(at.getTime() - autoDisableDays * dayMs)
  for (const failing of await findFailingEndpoints(context.pool, since)) {
    const { endpointId, workspaceId } = failing
    const wish = { ...failing, reason: 'FAILING', at } as const
    if (!(await disableAndTell(context.tell, wish))) continue
    context.endpointChanged(endpointId)
    context.log.warn(
      { endpoint: publicId('wh', endpointId), workspace: publicId('ws', workspaceId) },
      `endpoint disabled: it failed for ${autoDisableDays} days without one success`,
    )
  }
}
