import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import type { Pool } from '../db.ts'
import { recordBatchMax, recordFlushesMax, recordRetryMs, recordWaitMs } from '../limits.ts'
import type { Log } from '../log.ts'
import { newUuid, publicId } from '../rules/id.ts'
import { recordResults, type HealthRow, type ResultRow } from '../store/result.ts'
import type { Telemetry } from '../telemetry.ts'
import { Batcher } from './batcher.ts'
import type { Settled } from './stages.ts'

export type RecordContext = {
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Log
  readonly telemetry: Telemetry
  /** After each commit: subscribers may look. */
  readonly changed: (workspaceIds: readonly string[]) => void
}

/** True: stored. False: its delivery had gone on without it, and nothing was changed (D3). */
export type Record = (settled: Settled) => Promise<boolean>

/**
 * One recorder a process: the results of all lanes in few, large transactions. A database that is
 * away is waited for, since a result that is lost is a request that is sent again.
 */
export function createRecorder(context: RecordContext): Record {
  const batcher = new Batcher<Settled, boolean>({
    flush: (batch) => recordBatch(context, batch),
    itemsMax: recordBatchMax,
    flushesMax: recordFlushesMax,
    waitMs: recordWaitMs,
  })
  return (settled) => batcher.add(settled)
}

async function recordBatch(context: RecordContext, batch: readonly Settled[]): Promise<boolean[]> {
  const started = performance.now()
  const recorded = await storeUntilStored(context, batch)
  const answers = batch.map((settled) => recorded.has(settled.due.deliveryId))
  context.changed([...new Set(batch.map((settled) => settled.due.workspaceId))])
  report(context, batch, { answers, durationMs: Math.round(performance.now() - started) })
  return answers
}

/** The fence makes repeating safe: a batch that was stored and not answered changes nothing twice. */
async function storeUntilStored(
  context: RecordContext,
  batch: readonly Settled[],
): Promise<Set<string>> {
  const rows = batch.map(resultRow)
  const health = healthRows(batch)
  for (;;) {
    try {
      const at = context.clock.now()
      const changeId = newUuid(at.getTime())
      return await recordResults(context.pool, { results: rows, health, changeId, at })
    } catch (error) {
      context.log.error({ err: error, results: batch.length }, 'recording failed; trying again')
      await wait(recordRetryMs)
    }
  }
}

function resultRow({ due, outcome, ...settled }: Settled): ResultRow {
  const { answer } = outcome
  return {
    deliveryId: due.deliveryId,
    workspaceId: due.workspaceId,
    endpointId: due.endpointId,
    loadedDueAt: due.dueAt,
    loadedNextAt: due.heldUntil ?? due.dueAt,
    number: settled.number,
    trigger: due.attemptTrigger,
    status: settled.status,
    failures: settled.failures,
    nextAttemptAt: settled.nextAttemptAt,
    nextDueAt: settled.nextDueAt,
    result: outcome.result,
    errorMessage: outcome.errorMessage,
    startedAt: settled.startedAt,
    durationMs: outcome.durationMs,
    url: settled.url,
    requestHeaders: settled.requestHeaders,
    statusCode: answer?.statusCode ?? null,
    responseHeaders: answer?.headers.map(([name, value]) => `${name}: ${value}`).join('\n') ?? null,
    responseBody: answer?.body ?? null,
    responseBodyTruncated: answer?.bodyTruncated ?? false,
  }
}

/** The latest of each endpoint: a batch is in the order in which the answers came. */
function healthRows(batch: readonly Settled[]): HealthRow[] {
  const latest = new Map<string, HealthRow>()
  for (const { due, health } of batch) {
    if (health === null) continue
    const { endpointId, workspaceId } = due
    latest.set(endpointId, { ...health, endpointId, workspaceId })
  }
  return [...latest.values()].sort((a, b) => (a.endpointId < b.endpointId ? -1 : 1))
}

type Report = { answers: readonly boolean[]; durationMs: number }

function report({ log, telemetry }: RecordContext, batch: readonly Settled[], done: Report): void {
  const refused = done.answers.filter((stored) => !stored).length
  telemetry.resultsRefused.inc(refused)
  for (const settled of batch) {
    telemetry.attempts.inc({ result: settled.outcome.result })
    telemetry.attemptSeconds.observe(settled.outcome.durationMs / 1000)
    if (settled.status !== 'SUCCEEDED') log.info(failureLine(settled), 'attempt failed')
  }
  const { durationMs } = done
  log.debug({ results: batch.length, refused, durationMs }, 'recorded')
}

function failureLine({ due, number, outcome, status, nextAttemptAt }: Settled) {
  return {
    delivery: publicId('dlv', due.deliveryId),
    endpoint: publicId('wh', due.endpointId),
    workspace: publicId('ws', due.workspaceId),
    number,
    result: outcome.result,
    statusCode: outcome.answer?.statusCode,
    error: outcome.errorMessage,
    durationMs: outcome.durationMs,
    status,
    nextAttemptAt,
  }
}
