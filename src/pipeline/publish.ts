import { AppError } from '../errors.ts'
import { deliveriesPerPublishMax, publishRequestsMax } from '../limits.ts'
import { newDeliveryUuid, newUuid } from '../rules/id.ts'
import { insertPublication, type DeliveryRow } from '../store/publication.ts'
import { isRefusedData } from '../store/refused-data.ts'
import { Batcher } from './batcher.ts'
import type { Audience } from './fan-out.ts'
import { publishWithKeys } from './idempotency.ts'
import { KeyTurns } from './key-turns.ts'
import { prepare, publishedEvents, reportPublished, stamp } from './prepare.ts'
import type { Prepared, PublishContext } from './prepare.ts'
import { tracedPublish } from './trace-publish.ts'
import type { PingRequest, PublishedEvent, PublishRequest } from './stages.ts'

/** The way in: whatever is to be delivered passes here. Refusals are thrown as `AppError`. */
export type Publisher = {
  /** Answers after the commit of the events and all their deliveries (promise P1). */
  readonly publish: (request: PublishRequest) => Promise<readonly PublishedEvent[]>
  /** A delivery like any other, to one endpoint whatever it subscribes to. */
  readonly ping: (request: PingRequest) => Promise<{ deliveryId: string }>
}

type Answer = readonly PublishedEvent[] | Error

/** One of a process: requests that arrive together share its transactions. */
export function createPublisher(context: PublishContext): Publisher {
  const newBatcher = () => {
    return new Batcher<PublishRequest, Answer>({
      flush: (requests) => publishTogether(context, requests),
      itemsMax: publishRequestsMax,
    })
  }
  // Apart, so that nobody's single event waits for another's thousands.
  const [singles, batches] = [newBatcher(), newBatcher()]
  const keyTurns = new KeyTurns()
  return {
    publish: tracedPublish(context, async (request) => {
      const keys = keysOf(request)
      if (keys.length > 0) return keyTurns.run(keys, () => publishWithKeys(context, request))
      const answer = await (request.isBatch ? batches : singles).add(request)
      if (answer instanceof Error) throw answer
      return answer
    }),
    ping: (request) => publishPing(context, request),
  }
}

/** Its idempotency keys, each with the workspace it holds in. */
function keysOf({ workspaceId, events }: PublishRequest): string[] {
  return events.flatMap(({ idempotencyKey: key }) => (key === null ? [] : `${workspaceId} ${key}`))
}

/**
 * Requests that arrived together share one transaction, or a few where it would grow too large; a
 * refused one does not harm the others.
 */
async function publishTogether(
  context: PublishContext,
  requests: readonly PublishRequest[],
): Promise<Answer[]> {
  const now = context.clock.now()
  const workspaceIds = [...new Set(requests.map((request) => request.workspaceId))]
  const audience = await context.fanOut.audience(workspaceIds)
  const entries = requests.map((request) => tryPrepare(audience, request, now))
  const failures = new Map<Prepared, Error>()
  for (const group of groupsOf(entries.filter(isPrepared))) {
    for (const [entry, error] of await commitGroup(context, group, now)) failures.set(entry, error)
  }
  return entries.map((entry) => {
    return isPrepared(entry) ? (failures.get(entry) ?? publishedEvents(entry)) : entry
  })
}

function isPrepared(entry: Prepared | AppError): entry is Prepared {
  return !(entry instanceof AppError)
}

/** In their order, each group with no more deliveries than one request may create. */
function groupsOf(entries: readonly Prepared[]): Prepared[][] {
  const groups: Prepared[][] = []
  let room = 0
  for (const entry of entries) {
    if (groups.length === 0 || entry.deliveries.length > room) {
      groups.push([])
      room = deliveriesPerPublishMax
    }
    groups.at(-1)?.push(entry)
    room -= entry.deliveries.length
  }
  return groups
}

/**
 * What could not be stored, and why. A row that the database does not take fails all that is stored
 * with it, and nothing of it is there: then each request is stored by itself.
 */
async function commitGroup(
  context: PublishContext,
  group: readonly Prepared[],
  now: Date,
): Promise<ReadonlyMap<Prepared, Error>> {
  const failures = new Map<Prepared, Error>()
  await commit(context, mergePrepared(group), now).catch(async (error: Error) => {
    const isApart = group.length > 1 && isRefusedData(error)
    for (const entry of group) {
      if (!isApart) failures.set(entry, error)
      else await commit(context, entry, now).catch((own: Error) => failures.set(entry, own))
    }
  })
  return failures
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
  const owner = { workspaceId, traceparent: null }
  const event = stamp(owner, { eventType, payloadText, ...unplanned }, now)
  const deliveryId = newDeliveryUuid(now.getTime())
  const delivery: DeliveryRow = {
    ...{ deliveryId, workspaceId, endpointId, event },
    ...{ status: 'PENDING', trigger: 'PING', dueAt: now },
  }
  await commit(context, { events: [event], deliveries: [delivery] }, now)
  return { deliveryId }
}
