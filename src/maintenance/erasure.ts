import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import { inTransaction, type Pool } from '../db.ts'
import { dutyBatchMax } from '../limits.ts'
import { eraseEveryMs, eraseLastMs } from '../limits/forgetting.ts'
import type { Log } from '../log.ts'
import { Rounds } from '../pipeline/rounds.ts'
import { publicId } from '../rules/id.ts'
import * as erasure from '../store/erasure.ts'

/** What erasing needs. */
export type ErasureContext = {
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Log
  /** The process ends: another one goes on. */
  readonly isStopping: () => boolean
}

/**
 * Erases the rows of deleted workspaces, whichever process comes to it. That a workspace is deleted
 * is in its row, which goes last, so a kill at any moment loses nothing.
 */
export function eraseDeletedWorkspaces(
  context: Omit<ErasureContext, 'isStopping'>,
): AsyncDisposable {
  let isStopping = false
  const rounds = new Rounds({
    everyMs: eraseEveryMs,
    run: () => eraseDeleted({ ...context, isStopping: () => isStopping }),
    failed: (error) => {
      context.log.error({ err: error }, 'erasing failed; it is gone on with in the next round')
    },
  })
  return {
    [Symbol.asyncDispose]: () => {
      isStopping = true
      return rounds.stop()
    },
  }
}

/** One round. */
export async function eraseDeleted(context: ErasureContext): Promise<void> {
  for (const deleted of await erasure.findDeletedWorkspaces(context.pool)) {
    if (!(await eraseOne(context, deleted))) return
  }
}

/** What is erased from the start on, in this order: what is cancelled is not waited for. */
const first: readonly erasure.Erase[] = [
  erasure.eraseDue,
  erasure.eraseDeliveries,
  erasure.eraseEvents,
  erasure.eraseChanges,
  erasure.eraseKeys,
  erasure.emptyAuditEntries,
]

/**
 * False: this process ends. Endpoints and the workspace go when everything that began before the
 * deletion must have ended: a publish, a request and its record.
 */
async function eraseOne(
  context: ErasureContext,
  { id, deletedAt }: erasure.DeletedWorkspace,
): Promise<boolean> {
  for (const erase of first) if (!(await eraseAll(context, id, erase))) return false
  if (context.clock.now().getTime() - deletedAt.getTime() < eraseLastMs) return true
  if (!(await eraseAll(context, id, erasure.eraseEndpoints))) return false
  if (await erasure.eraseWorkspace(context.pool, id)) {
    context.log.info({ workspace: publicId('ws', id) }, 'erased a deleted workspace')
  }
  return true
}

/** Batch after batch, resting as long as each took. False: this process ends. */
async function eraseAll(
  context: ErasureContext,
  workspaceId: string,
  erase: erasure.Erase,
): Promise<boolean> {
  for (;;) {
    if (context.isStopping()) return false
    const started = performance.now()
    const count = await inTransaction(context.pool, async (client) => {
      await erasure.takeErasure(client)
      return erase(client, { workspaceId, limit: dutyBatchMax })
    })
    if (count === 0) return true
    await wait(performance.now() - started)
  }
}
