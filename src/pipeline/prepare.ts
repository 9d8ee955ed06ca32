import type { Clock } from '../clock.ts'
import type { Pool } from '../db.ts'
import { AppError, invalidInput, type InputIssue } from '../errors.ts'
import { deliveriesPerPublishMax } from '../limits.ts'
import type { Log } from '../log.ts'
import { newUuid } from '../rules/id.ts'
import type { DeliveryRow, EventRow } from '../store/publication.ts'
import type { Telemetry } from '../telemetry.ts'
import type { Tracer } from '../tracing/tracer.ts'
import type { Audience, FanOut } from './fan-out.ts'
import type { NewEvent, PublishedEvent, PublishRequest } from './stages.ts'

/** What follows a commit: lanes are woken, subscribers hear of it. Hints, never needed (P3). */
export type Committed = (deliveries: readonly DeliveryRow[]) => void

/** What the stage of publishing needs. */
export type PublishContext = {
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Log
  readonly telemetry: Telemetry
  readonly fanOut: FanOut
  readonly committed: Committed
  readonly tracer: Tracer | null
}

/** A request that passed every check, with all its rows. */
export type Prepared = {
  readonly events: readonly EventRow[]
  readonly deliveries: readonly DeliveryRow[]
}

/** Gives its events ids and times. All of them are to be created. */
export function stampAll(request: PublishRequest, now: Date): StampedRequest {
  const events = request.events.map((event) => stamp(request, event, now))
  return { ...request, events, isNew: () => true }
}

/** A request whose events have their ids, and which of them are to be created. */
export type StampedRequest = Omit<PublishRequest, 'events'> & {
  readonly events: readonly EventRow[]
  readonly isNew: (event: EventRow) => boolean
}

/**
 * Checks a request against the catalogue and gives its events deliveries. Those that are not new
 * are as they were published: today's catalogue is not asked for them.
 */
export function prepareNew(audience: Audience, request: StampedRequest, now: Date): Prepared {
  const { workspaceId, isBatch, isNew } = request
  audience.requireWorkspace(workspaceId)
  const issues = request.events.flatMap((event, index) => {
    return isNew(event) ? issuesOf(audience, event, isBatch ? index : null) : []
  })
  if (issues.length > 0) throw invalidInput(issues)
  const events = request.events.filter(isNew)
  const deliveries = events.flatMap((event) => audience.deliveriesOf(event, now))
  if (deliveries.length > deliveriesPerPublishMax) throw tooManyDeliveries(deliveries.length)
  return { events, deliveries }
}

/** The same; what is wrong with one request is its answer, and nobody else's. */
export function tryPrepare(
  audience: Audience,
  request: StampedRequest,
  now: Date,
): Prepared | Error {
  try {
    return prepareNew(audience, request, now)
  } catch (error) {
    return error as Error
  }
}

function issuesOf(audience: Audience, event: EventRow, index: number | null): InputIssue[] {
  const at = (field: string) => (index === null ? [field] : ['events', String(index), field])
  const refusal = audience.catalogue.refusal(event.eventType)
  if (refusal) return [{ path: at('eventType'), message: refusal }]
  const misfit = audience.catalogue.misfit(event.eventType, event.payloadText)
  return misfit ? [{ path: at('payload'), message: misfit }] : []
}

/** Whose a new event is, and the span that publishes it. */
export type EventOwner = Pick<EventRow, 'workspaceId' | 'traceparent'>

/** Gives a new event its id, which carries its time and its place in the log. */
export function stamp(owner: EventOwner, event: NewEvent, now: Date): EventRow {
  return {
    eventId: newUuid(now.getTime()),
    workspaceId: owner.workspaceId,
    eventType: event.eventType,
    payloadText: event.payloadText,
    idempotencyKey: event.idempotencyKey,
    occurredAt: event.occurredAt ?? now,
    deliverAt: event.deliverAt,
    traceparent: owner.traceparent,
  }
}

function tooManyDeliveries(count: number): AppError {
  const message = `This would create ${count} deliveries at once; publish fewer events together.`
  return new AppError('LIMIT_EXCEEDED', message, { limit: deliveriesPerPublishMax })
}

/** What is answered for a request whose rows are stored. */
export function publishedEvents({ events, deliveries }: Prepared): PublishedEvent[] {
  const counts = new Map<string, number>()
  for (const { event } of deliveries)
    counts.set(event.eventId, (counts.get(event.eventId) ?? 0) + 1)
  return events.map((created) => {
    const { eventId } = created
    return { eventId, created, deliveryCount: counts.get(eventId) ?? 0, replayed: false }
  })
}

/** What a report of published events needs. */
export type ReportContext = Pick<PublishContext, 'clock' | 'log' | 'telemetry' | 'committed'>

/** The stage's log line and figures, and the hints to lanes and feed. */
export function reportPublished(context: ReportContext, prepared: Prepared, now: Date): void {
  const durationMs = context.clock.now().getTime() - now.getTime()
  const { events, deliveries } = prepared
  context.telemetry.published.inc(events.length)
  context.telemetry.deliveriesCreated.inc(deliveries.length)
  context.log.debug(
    { events: events.length, deliveries: deliveries.length, durationMs },
    'published',
  )
  context.committed(deliveries)
}
