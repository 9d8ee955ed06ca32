import { deliveriesPerPublishMax, publishRequestsMax } from '../limits.ts'
import { newDeliveryUuid, newUuid } from '../rules/id.ts'
import { insertPublication, type DeliveryRow } from '../store/publication.ts'
import { isRefusedData } from '../store/refused-data.ts'
import { Batcher } from './batcher.ts'
import type { Audience } from './fan-out.ts'
import { publishWithKeys } from './idempotency.ts'
import { KeyTurns } from './key-turns.ts'
import { publishedEvents, reportPublished, stamp, stampAll, tryPrepare } from './prepare.ts'
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
 * refused one does not harm the others. They are stored by what is remembered of subscriptions and
 * catalogue, provided that it still holds: one round trip. Only what is not stored, or refused, by
 * that is looked at again, by what is read then.
 */
async function publishTogether(
  context: PublishContext,
  requests: readonly PublishRequest[],
): Promise<Answer[]> {
  const { fanOut, clock } = context
  const answers = new Map<PublishRequest, Answer>()
  const batch = { now: clock.now(), answers }
  const remembered = fanOut.remembered(workspacesOf(requests))
  if (remembered) await publishTo(context, remembered, { ...batch, requests })
  const left = requests.filter((request) => !answers.has(request))
  try {
    if (left.length > 0) {
      const current = await fanOut.audience(workspacesOf(left))
      await publishTo(context, current, { ...batch, requests: left })
    }
  } catch (error) {
    // The others are stored, and are told so.
    for (const request of left) if (!answers.has(request)) answers.set(request, error as Error)
  }
  return requests.map((request) => answers.get(request) as Answer)
}

function workspacesOf(requests: readonly PublishRequest[]): string[] {
  return [...new Set(requests.map(({ workspaceId }) => workspaceId))]
}

type Batch = {
  readonly requests: readonly PublishRequest[]
  readonly now: Date
  readonly answers: Map<PublishRequest, Answer>
}

/** Leaves without an answer what an audience that may have changed refuses or cannot store. */
async function publishTo(
  context: PublishContext,
  audience: Audience,
  { requests, now, answers }: Batch,
): Promise<void> {
  const entries: Entry[] = []
  for (const request of requests) {
    const prepared = tryPrepare(audience, stampAll(request, now), now)
    if (!(prepared instanceof Error)) entries.push({ request, prepared })
    else if (audience.asOf === null) answers.set(request, prepared)
  }
  for (const group of groupsOf(entries)) {
    await commitGroup(context, group, { now, asOf: audience.asOf, answers })
  }
}

type Entry = { readonly request: PublishRequest; readonly prepared: Prepared }

/** In their order, each group with no more deliveries than one request may create. */
function groupsOf(entries: readonly Entry[]): Entry[][] {
  const groups: Entry[][] = []
  let room = 0
  for (const entry of entries) {
    const { length } = entry.prepared.deliveries
    if (groups.length === 0 || length > room) {
      groups.push([])
      room = deliveriesPerPublishMax
    }
    groups.at(-1)?.push(entry)
    room -= length
  }
  return groups
}

type Terms = Pick<Batch, 'now' | 'answers'> & Pick<Audience, 'asOf'>

/**
 * Leaves without an answer what is not stored since `asOf` does not hold. A row that the database
 * does not take fails all that is stored with it, and nothing of it is there: then each request is
 * stored by itself.
 */
async function commitGroup(
  context: PublishContext,
  group: readonly Entry[],
  terms: Terms,
): Promise<void> {
  const { answers } = terms
  try {
    if (!(await commit(context, mergePrepared(group), terms))) return
    for (const { request, prepared } of group) answers.set(request, publishedEvents(prepared))
  } catch (error) {
    if (group.length > 1 && isRefusedData(error)) {
      for (const entry of group) await commitGroup(context, [entry], terms)
    } else {
      for (const { request } of group) answers.set(request, error as Error)
    }
  }
}

/** Stores what was prepared, then tells whoever waits for it. False: `asOf` does not hold. */
async function commit(
  context: PublishContext,
  prepared: Prepared,
  { now, asOf }: Pick<Terms, 'now' | 'asOf'>,
): Promise<boolean> {
  if (prepared.events.length === 0) return true
  const changeId = newUuid(now.getTime())
  const isStored = await insertPublication(context.pool, { ...prepared, changeId, at: now, asOf })
  if (isStored) reportPublished(context, prepared, now)
  return isStored
}

function mergePrepared(group: readonly Entry[]): Prepared {
  return {
    events: group.flatMap(({ prepared }) => prepared.events),
    deliveries: group.flatMap(({ prepared }) => prepared.deliveries),
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
  await commit(context, { events: [event], deliveries: [delivery] }, { now, asOf: null })
  return { deliveryId }
}
