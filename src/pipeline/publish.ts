import type { Pool } from '../db.ts'
import { AppError, invalidInput, type InputIssue } from '../errors.ts'
import { deliveriesPerPublishMax, publishFlushesMax, publishRequestsMax } from '../limits.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { newDeliveryUuid, newUuid } from '../rules/id.ts'
import { insertPublication, type DeliveryRow, type EventRow } from '../store/publication.ts'
import type { Telemetry } from '../telemetry.ts'
import { Batcher } from './batcher.ts'
import type { Audience, FanOut } from './fan-out.ts'
import { publishWithKeys } from './idempotency.ts'
import type { NewEvent, PublishedEvent, PublishRequest } from './stages.ts'

/** An event of a system's own, for one endpoint alone. */
export type PingRequest = {
  readonly workspaceId: string
  readonly endpointId: string
  readonly eventType: string
  readonly payloadText: string
}

export type Publisher = {
  /** Answers after the commit of the events and all their deliveries (promise P1). */
  readonly publish: (request: PublishRequest) => Promise<readonly PublishedEvent[]>
  /** A delivery like any other, to one endpoint whatever it subscribes to. */
  readonly ping: (request: PingRequest) => Promise<{ deliveryId: string }>
}

/** What follows a commit: lanes are woken, subscribers hear of it. Hints, never needed (P3). */
export type Committed = (deliveries: readonly DeliveryRow[]) => void

export type PublishContext = {
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Log
  readonly telemetry: Telemetry
  readonly fanOut: FanOut
  readonly committed: Committed
}

/** A request that passed every check, with all its rows. */
export type Prepared = {
  readonly events: readonly EventRow[]
  readonly deliveries: readonly DeliveryRow[]
}

type Answer = readonly PublishedEvent[] | AppError

export function createPublisher(context: PublishContext): Publisher {
  const batcher = new Batcher<PublishRequest, Answer>({
    flush: (requests) => publishTogether(context, requests),
    itemsMax: publishRequestsMax,
    flushesMax: publishFlushesMax,
  })
  return {
    publish: async (request) => {
      if (request.events.some((event) => event.idempotencyKey !== null)) {
        return publishWithKeys(context, request)
      }
      const answer = await batcher.add(request)
      if (answer instanceof AppError) throw answer
      return answer
    },
    ping: (request) => publishPing(context, request),
  }
}

/** Requests that arrived together share one transaction; a refused one does not harm the others. */
async function publishTogether(
  context: PublishContext,
  requests: readonly PublishRequest[],
): Promise<Answer[]> {
  const now = context.clock.now()
  const workspaceIds = [...new Set(requests.map((request) => request.workspaceId))]
  const audience = await context.fanOut.audience(workspaceIds)
  const prepared = requests.map((request) => tryPrepare(audience, request, now))
  const accepted = prepared.filter((entry): entry is Prepared => !(entry instanceof AppError))
  await commit(context, mergePrepared(accepted), now)
  return prepared.map((entry) => (entry instanceof AppError ? entry : publishedEvents(entry)))
}

/** Stores what was prepared, then tells whoever waits for it. */
async function commit(context: PublishContext, prepared: Prepared, now: Date): Promise<void> {
  if (prepared.events.length === 0) return
  const changeId = newUuid(now.getTime())
  await insertPublication(context.pool, { ...prepared, changeId, at: now })
  reportPublished(context, prepared, now)
}

/** The stage's log line and figures, and the hints to lanes and feed. */
export function reportPublished(context: PublishContext, prepared: Prepared, now: Date): void {
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

function tryPrepare(audience: Audience, request: PublishRequest, now: Date): Prepared | AppError {
  try {
    return prepare(audience, request, now)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

/** Checks a request against the catalogue and gives its events ids, times and deliveries. */
export function prepare(audience: Audience, request: PublishRequest, now: Date): Prepared {
  audience.requireWorkspace(request.workspaceId)
  const issues = request.events.flatMap((event, index) => {
    return issuesOf(audience, event, request.isBatch ? index : null)
  })
  if (issues.length > 0) throw invalidInput(issues)
  const events = request.events.map((event) => stamp(request.workspaceId, event, now))
  const deliveries = events.flatMap((event) => audience.deliveriesOf(event, now))
  if (deliveries.length > deliveriesPerPublishMax) throw tooManyDeliveries(deliveries.length)
  return { events, deliveries }
}

function issuesOf(audience: Audience, event: NewEvent, index: number | null): InputIssue[] {
  const at = (field: string) => (index === null ? [field] : ['events', String(index), field])
  const refusal = audience.catalogue.refusal(event.eventType)
  if (refusal) return [{ path: at('eventType'), message: refusal }]
  const misfit = audience.catalogue.misfit(event.eventType, event.payloadText)
  return misfit ? [{ path: at('payload'), message: misfit }] : []
}

function stamp(workspaceId: string, event: NewEvent, now: Date): EventRow {
  return {
    eventId: newUuid(now.getTime()),
    workspaceId,
    eventType: event.eventType,
    payloadText: event.payloadText,
    idempotencyKey: event.idempotencyKey,
    occurredAt: event.occurredAt ?? now,
    deliverAt: event.deliverAt,
  }
}

function tooManyDeliveries(count: number): AppError {
  const message = `This would create ${count} deliveries at once; publish fewer events together.`
  return new AppError('LIMIT_EXCEEDED', message, { limit: deliveriesPerPublishMax })
}

function mergePrepared(entries: readonly Prepared[]): Prepared {
  return {
    events: entries.flatMap((entry) => entry.events),
    deliveries: entries.flatMap((entry) => entry.deliveries),
  }
}

export function publishedEvents({ events, deliveries }: Prepared): PublishedEvent[] {
  const counts = new Map<string, number>()
  for (const { event } of deliveries)
    counts.set(event.eventId, (counts.get(event.eventId) ?? 0) + 1)
  return events.map(({ eventId }) => {
    return { eventId, deliveryCount: counts.get(eventId) ?? 0, replayed: false }
  })
}

async function publishPing(
  context: PublishContext,
  request: PingRequest,
): Promise<{ deliveryId: string }> {
  const now = context.clock.now()
  const { workspaceId, endpointId, eventType, payloadText } = request
  const unplanned = { idempotencyKey: null, occurredAt: null, deliverAt: null }
  const event = stamp(workspaceId, { eventType, payloadText, ...unplanned }, now)
  const deliveryId = newDeliveryUuid(now.getTime())
  const delivery: DeliveryRow = {
    ...{ deliveryId, workspaceId, endpointId, event },
    ...{ status: 'PENDING', trigger: 'PING', dueAt: now },
  }
  await commit(context, { events: [event], deliveries: [delivery] }, now)
  return { deliveryId }
}
