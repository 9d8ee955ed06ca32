import { createHash } from 'node:crypto'
import { AppError } from '../errors.ts'
import { publicId, newUuid } from '../rules/id.ts'
import { countDeliveriesOf, insertPublication, takeKeys } from '../store/publication.ts'
import type { EventRow, TakenKey } from '../store/publication.ts'
import { inTransaction, type Queryable } from '../db.ts'
import { prepare, publishedEvents, reportPublished } from './prepare.ts'
import type { Prepared, PublishContext } from './prepare.ts'
import type { PublishedEvent, PublishRequest } from './stages.ts'

/**
 * A request with idempotency keys, in a transaction of its own. Taking a key waits for a rival that
 * has taken it and not committed, so of many identical requests exactly one creates the event, and
 * the others answer with it. The same key for something else is a conflict, and nothing is created.
 */
export async function publishWithKeys(
  context: PublishContext,
  request: PublishRequest,
): Promise<readonly PublishedEvent[]> {
  const now = context.clock.now()
  const audience = await context.fanOut.audience([request.workspaceId])
  const asked = prepare(audience, request, now)
  const first = firstByKey(asked.events)
  const { created, taken } = await inTransaction(context.pool, async (client) => {
    const taken = await takeAll(client, { workspaceId: request.workspaceId, at: now, first })
    const created = withoutTaken(asked, first, taken)
    if (created.events.length > 0) {
      await insertPublication(client, { ...created, changeId: newUuid(now.getTime()), at: now })
    }
    return { created, taken }
  })
  if (created.events.length > 0) reportPublished(context, created, now)
  return answers(context, { workspaceId: request.workspaceId, asked, created, first, taken })
}

type First = ReadonlyMap<string, EventRow>
type Taken = ReadonlyMap<string, TakenKey>

/** Within one batch a key may be repeated, with the same content: the first event stands for all. */
function firstByKey(events: readonly EventRow[]): First {
  const first = new Map<string, EventRow>()
  for (const event of events) {
    if (event.idempotencyKey === null) continue
    const other = first.get(event.idempotencyKey)
    if (!other) first.set(event.idempotencyKey, event)
    else if (!requestHash(other).equals(requestHash(event)))
      throw twiceInBatch(event.idempotencyKey)
  }
  return first
}

async function takeAll(
  client: Queryable,
  { workspaceId, at, first }: { workspaceId: string; at: Date; first: First },
): Promise<Taken> {
  const rows = [...first].map(([key, event]) => {
    return { key, eventId: event.eventId, requestHash: requestHash(event) }
  })
  const taken = await takeKeys(client, { workspaceId, at, rows })
  for (const row of taken) {
    const event = first.get(row.key)
    if (event && !requestHash(event).equals(row.requestHash)) throw usedBefore(row)
  }
  return new Map(taken.map((row) => [row.key, row]))
}

/** What is new: neither taken before nor a repetition inside the batch. */
function withoutTaken(asked: Prepared, first: First, taken: Taken): Prepared {
  const isNew = ({ idempotencyKey: key, eventId }: EventRow) => {
    return key === null || (first.get(key)?.eventId === eventId && !taken.has(key))
  }
  const events = asked.events.filter(isNew)
  return { events, deliveries: asked.deliveries.filter((delivery) => isNew(delivery.event)) }
}

type Story = { workspaceId: string; asked: Prepared; created: Prepared; first: First; taken: Taken }

async function answers(context: PublishContext, story: Story): Promise<PublishedEvent[]> {
  const created = new Map(publishedEvents(story.created).map((event) => [event.eventId, event]))
  const earlier = [...story.taken.values()].map((row) => row.eventId)
  const counts = await countDeliveriesOf(context.pool, story.workspaceId, earlier)
  return story.asked.events.map((event) => {
    const fresh = created.get(event.eventId)
    if (fresh) return fresh
    const key = event.idempotencyKey ?? ''
    const eventId = story.taken.get(key)?.eventId ?? story.first.get(key)?.eventId ?? event.eventId
    const deliveryCount = created.get(eventId)?.deliveryCount ?? counts.get(eventId) ?? 0
    return { eventId, deliveryCount, replayed: true }
  })
}

/** What must be the same for a key to mean the same event: its type and its bytes. */
function requestHash(event: EventRow): Buffer {
  return createHash('sha256').update(`${event.eventType}\n${event.payloadText}`).digest()
}

function usedBefore({ key, createdAt, eventId }: TakenKey): AppError {
  const message =
    `The idempotency key "${key}" was used at ${createdAt.toISOString()} for another event, ` +
    `${publicId('evt', eventId)}: its type or payload differs. Nothing was published.`
  return new AppError('CONFLICT', message)
}

function twiceInBatch(key: string): AppError {
  const message = `The idempotency key "${key}" stands for two different events in this batch. Nothing was published.`
  return new AppError('CONFLICT', message)
}
