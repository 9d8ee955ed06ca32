import { AppError } from '../errors.ts'
import { publishFlushesMax, publishRequestsMax } from '../limits.ts'
import { newDeliveryUuid, newUuid } from '../rules/id.ts'
import { insertPublication, type DeliveryRow } from '../store/publication.ts'
import { Batcher } from './batcher.ts'
import type { Audience } from './fan-out.ts'
import { publishWithKeys } from './idempotency.ts'
import { prepare, publishedEvents, reportPublished, stamp } from './prepare.ts'
import type { Prepared, PublishContext } from './prepare.ts'
import type { PublishedEvent, PublishRequest } from './stages.ts'

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

function tryPrepare(audience: Audience, request: PublishRequest, now: Date): Prepared | AppError {
  try {
    return prepare(audience, request, now)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

function mergePrepared(entries: readonly Prepared[]): Prepared {
  return {
    events: entries.flatMap((entry) => entry.events),
    deliveries: entries.flatMap((entry) => entry.deliveries),
  }
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
