import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import type { Pool } from '../db.ts'
import { recordBatchMax, recordRetryMs, recordWaitMs } from '../limits.ts'
import type { Log } from '../log.ts'
import { newUuid, publicId } from '../rules/id.ts'
import type { News } from '../rules/operational-event.ts'
import { againIfOvertaken } from '../store/conflict.ts'
import { mendDue, type DueDelivery } from '../store/due.ts'
import { isRefusedData } from '../store/refused-data.ts'
import { recordResults } from '../store/result.ts'
import type { HealthRow, RecordedDelivery, ResultRow } from '../store/result.ts'
import type { Telemetry } from '../telemetry.ts'
import { Batcher } from './batcher.ts'
import type { Settled } from './stages.ts'
import type { Tell } from './tell.ts'

/** What the recorder needs. */
export type RecordContext = {
  readonly pool: Pool
  readonly tell: Tell
  readonly clock: Clock
  readonly log: Log
  readonly telemetry: Telemetry
  /** After each commit: subscribers may look. */
  readonly changed: (workspaceIds: readonly string[]) => void
}

/**
 * Counted: stored, and when its delivery is due again; null: it has ended. Otherwise its delivery
 * had gone on without it, and nothing was changed (D3).
 */
export type Recorded =
  | { readonly counted: true; readonly nextAttemptAt: Date | null }
  | { readonly counted: false }

/**
 * Stores one attempt. Resolves once it is stored, however long that takes. `isAwaited`: its lane
 * does nothing until then.
 */
export type Record = (settled: Settled, isAwaited?: boolean) => Promise<Recorded>

/**
 * The results of all lanes of a process in few, large transactions; those that are awaited in small
 * ones of their own, or an ordered endpoint would make one request for each transaction of somebody
 * else's burst, 24 a second. A database that is away is waited for, since a result that is lost is
 * a request that is sent again.
 */
export function createRecorder(context: RecordContext): Record {
  const flush = (batch: readonly Settled[]) => recordBatch(context, batch)
  const batcher = new Batcher({ flush, itemsMax: recordBatchMax, waitMs: recordWaitMs })
  const awaited = new Batcher({ flush, itemsMax: recordBatchMax })
  return (settled, isAwaited = false) => (isAwaited ? awaited : batcher).add(settled)
}

async function recordBatch(context: RecordContext, batch: readonly Settled[]): Promise<Recorded[]> {
  const started = performance.now()
  const stored = await storeUntilStored(context, batch).catch(() => storeEach(context, batch))
  const refused = batch.filter(({ due }) => !stored.has(due.deliveryId)).map(({ due }) => due)
  if (refused.length > 0) await mend(context, refused)
  context.changed([...new Set(batch.map(({ due }) => due.workspaceId))])
  const durationMs = Math.round(performance.now() - started)
  report(context, batch, { refused: refused.length, durationMs })
  return batch.map(({ due }) => {
    const found = stored.get(due.deliveryId)
    return found ? { counted: true, nextAttemptAt: found.nextAttemptAt } : { counted: false }
  })
}

type Stored = ReadonlyMap<string, RecordedDelivery>

/** The fence makes repeating safe: a batch that was stored unheard changes nothing twice. */
async function storeUntilStored(
  context: RecordContext,
  batch: readonly Settled[],
): Promise<Stored> {
  for (;;) {
    try {
      return await againIfOvertaken(() => store(context, batch))
    } catch (error) {
      context.log.error({ err: error, results: batch.length }, 'recording failed')
      if (isRefusedData(error)) throw error
      await wait(recordRetryMs)
    }
  }
}

/** One result that the database does not take keeps none of the others from being stored. */
async function storeEach(context: RecordContext, batch: readonly Settled[]): Promise<Stored> {
  const parts: (readonly [string, RecordedDelivery])[] = []
  for (const settled of batch) {
    const stored = await storeUntilStored(context, [settled])
      .catch(() => storeUntilStored(context, [withoutTexts(settled)]))
      // Our bug. As if it had ended: it is found again, but not at once.
      .catch(() => new Map([[settled.due.deliveryId, givenUp]]))
    parts.push(...stored)
  }
  return new Map(parts)
}

const givenUp: RecordedDelivery = { status: 'RETRYING', nextAttemptAt: null }

/** What came from outside is left out: the attempt still counts, and the next one comes later. */
function withoutTexts(settled: Settled): Settled {
  const errorMessage = 'The answer cannot be stored.'
  return {
    ...settled,
    requestHeaders: '',
    outcome: { ...settled.outcome, errorMessage, answer: null },
  }
}

/** A row that makes results vain would be loaded, sent and refused again without end. */
async function mend({ pool, log }: RecordContext, refused: readonly DueDelivery[]): Promise<void> {
  await mendDue(pool, refused).catch((error: unknown) => {
    log.error({ err: error }, 'refused results could not be looked into')
  })
}

function store(context: RecordContext, batch: readonly Settled[]): Promise<Stored> {
  const at = context.clock.now()
  const changeId = newUuid(at.getTime())
  // In one order, so that statements that change several deliveries cannot wait in a circle.
  const results = batch.map(resultRow).sort((a, b) => (a.deliveryId < b.deliveryId ? -1 : 1))
  const rows = { results, health: healthRows(batch), changeId, at }
  const possible = batch.flatMap((one) => newsOf(one, at))
  return context.tell(possible, async (db) => {
    const stored = await recordResults(db, rows)
    return { result: stored, news: batch.flatMap((one) => trueNews(one, stored, at)) }
  })
}

/** What an operator may want to hear of an attempt: nothing, as a rule. */
function newsOf(settled: Settled, at: Date): News[] {
  const { due, number, outcome, status, recoveredFrom } = settled
  const { workspaceId, endpointId, deliveryId, eventId } = due
  const about = { workspaceId, endpointId, at }
  if (recoveredFrom) return [{ ...about, kind: 'endpoint.recovered', downSince: recoveredFrom }]
  if (status !== 'FAILED') return []
  const { result, errorMessage, answer } = outcome
  const end = { result, errorMessage, statusCode: answer?.statusCode ?? null }
  const { eventType } = due.event
  const delivery = { deliveryId, eventId, eventType, attemptCount: number }
  return [{ ...about, kind: 'delivery.failed', ...delivery, ...end }]
}

/** A delivery that was cancelled or retried meanwhile has not failed. */
function trueNews(settled: Settled, stored: Stored, at: Date): News[] {
  const found = stored.get(settled.due.deliveryId)
  if (found === undefined) return []
  const { status, recoveredFrom } = settled
  return recoveredFrom || found.status === status ? newsOf(settled, at) : []
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
  for (const { due, health, settledAt: asOf } of batch) {
    if (health === null) continue
    const { endpointId, workspaceId } = due
    latest.set(endpointId, { ...health, endpointId, workspaceId, asOf })
  }
  return [...latest.values()].sort((a, b) => (a.endpointId < b.endpointId ? -1 : 1))
}

type Report = { refused: number; durationMs: number }

function report({ log, telemetry }: RecordContext, batch: readonly Settled[], done: Report): void {
  const { refused, durationMs } = done
  telemetry.resultsRefused.inc(refused)
  for (const settled of batch) {
    telemetry.attempts.inc({ result: settled.outcome.result })
    telemetry.attemptSeconds.observe(settled.outcome.durationMs / 1000)
    if (settled.status !== 'SUCCEEDED') log.info(failureLine(settled), 'attempt failed')
  }
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
