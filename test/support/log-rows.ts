import type { Database } from '../../src/db.ts'
import type { DeliveryStatus, DeliveryTrigger } from '../../src/rules/delivery-state.ts'
import { newDeliveryUuid, newUuid } from '../../src/rules/id.ts'
import type { AttemptResult } from '../../src/rules/outcome.ts'
import { type DeliveryRow, insertPublication } from '../../src/store/publication.ts'
import { recordResults, type ResultRow } from '../../src/store/result.ts'

/** One event for each of the given endpoints, as its workspace would publish it. */
export type PublishedRows = {
  readonly workspaceId: string
  readonly endpointIds: readonly string[]
  readonly eventType?: string
  readonly payloadText?: string
  readonly idempotencyKey?: string
  readonly trigger?: DeliveryTrigger
  readonly status?: 'PENDING' | 'SUPPRESSED'
  readonly at?: Date
}

/** How the next attempt of a delivery ends. */
export type AttemptEnd = {
  readonly result: AttemptResult
  /** SUCCEEDED for a success unless given, RETRYING otherwise. */
  readonly status?: Extract<DeliveryStatus, 'RETRYING' | 'SUCCEEDED' | 'FAILED'>
  readonly statusCode?: number
  /** Of an ordered endpoint: it stays where it is in the line. */
  readonly keepsPlace?: boolean
  readonly durationMs?: number
  readonly startedAt?: Date
  readonly requestHeaders?: string
  readonly responseHeaders?: string
  readonly responseBody?: Buffer
}

/**
 * A log without a pipeline: rows written by the pipeline's own statements, so that they keep every
 * constraint, with whatever times and outcomes a test needs.
 */
export function logRows({ pool }: Pick<Database, 'pool'>) {
  const attemptsOf = new Map<string, { count: number; dueAt: Date }>()

  async function addWorkspace(): Promise<string> {
    const id = newUuid(Date.now())
    await pool.query(
      `insert into workspace (id, name, wire_format, created_at)
        values ($1, 'Acme', 'STANDARD_WEBHOOKS', now())`,
      [id],
    )
    return id
  }

  async function addEndpoint(workspaceId: string, at = new Date()): Promise<string> {
    const id = newUuid(at.getTime())
    await pool.query(
      `insert into endpoint
        (id, workspace_id, url, event_types, wire_format, status, timeout_seconds, retry_schedule,
         ordered, metadata, created_at, updated_at)
        values ($1, $2, 'https://example.com/', '{*}', 'STANDARD_WEBHOOKS', 'ENABLED', 15, '{5}',
         false, '{}', $3, $3)`,
      [id, workspaceId, at],
    )
    return id
  }

  /** Answers the ids of the deliveries, in the order of the endpoints. */
  async function publish(rows: PublishedRows): Promise<readonly DeliveryRow[]> {
    const at = rows.at ?? new Date()
    const { workspaceId, eventType = 'invoice.paid', payloadText = '{"n":1}' } = rows
    const event = {
      eventId: newUuid(at.getTime()),
      workspaceId,
      eventType,
      payloadText,
      idempotencyKey: rows.idempotencyKey ?? null,
      occurredAt: at,
      deliverAt: null,
      traceparent: null,
    }
    const deliveries = rows.endpointIds.map((endpointId): DeliveryRow => ({
      deliveryId: newDeliveryUuid(at.getTime()),
      workspaceId,
      endpointId,
      event,
      status: rows.status ?? 'PENDING',
      trigger: rows.trigger ?? 'EVENT',
      dueAt: at,
    }))
    const changeId = newUuid(at.getTime())
    await insertPublication(pool, { events: [event], deliveries, changeId, at, asOf: null })
    for (const { deliveryId } of deliveries) attemptsOf.set(deliveryId, { count: 0, dueAt: at })
    return deliveries
  }

  async function attempt(delivery: DeliveryRow, end: AttemptEnd): Promise<void> {
    const before = attemptsOf.get(delivery.deliveryId)
    if (!before) throw new Error('Not a delivery of these rows.')
    const row = resultRow(delivery, end, before)
    const at = new Date(row.startedAt.getTime() + row.durationMs)
    const changeId = newUuid(at.getTime())
    const counted = await recordResults(pool, { results: [row], health: [], changeId, at })
    if (counted.size !== 1) throw new Error('The attempt did not count.')
    attemptsOf.set(delivery.deliveryId, { count: row.number, dueAt: row.nextDueAt ?? at })
  }

  return { addWorkspace, addEndpoint, publish, attempt }
}

function resultRow(
  { deliveryId, workspaceId, endpointId }: DeliveryRow,
  end: AttemptEnd,
  before: { count: number; dueAt: Date },
): ResultRow {
  const status = end.status ?? (end.result === 'SUCCEEDED' ? 'SUCCEEDED' : 'RETRYING')
  const startedAt = end.startedAt ?? new Date()
  const next = status === 'RETRYING' ? new Date(startedAt.getTime() + 3_600_000) : null
  return {
    deliveryId,
    workspaceId,
    endpointId,
    status,
    startedAt,
    result: end.result,
    loadedDueAt: before.dueAt,
    loadedNextAt: before.dueAt,
    number: before.count + 1,
    trigger: 'SCHEDULED',
    failures: 1,
    nextAttemptAt: next,
    nextDueAt: next && (end.keepsPlace ? before.dueAt : next),
    errorMessage: end.result === 'SUCCEEDED' ? null : 'It did not work.',
    durationMs: end.durationMs ?? 10,
    url: 'https://example.com/',
    requestHeaders: end.requestHeaders ?? 'content-type: application/json',
    statusCode: end.statusCode ?? null,
    responseHeaders: end.responseHeaders ?? null,
    responseBody: end.responseBody ?? null,
    responseBodyTruncated: false,
  }
}
