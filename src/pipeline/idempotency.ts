import { createHash } from 'node:crypto'
import { AppError } from '../errors.ts'
import { publicId, newUuid } from '../rules/id.ts'
import { gaveWay } from '../store/conflict.ts'
import {
  countDeliveriesOf,
  insertKeyedPublication,
  insertPublication,
  readKeys,
  takeKeys,
} from '../store/publication.ts'
import type { EventRow, KeysWish, TakenKey } from '../store/publication.ts'
import { inTransaction } from '../db.ts'
import { prepareNew, publishedEvents, reportPublished, stamp, tryPrepare } from './prepare.ts'
import type { Prepared, PublishContext, StampedRequest } from './prepare.ts'
import type { PublishedEvent, PublishRequest } from './stages.ts'

/**
 * A request with idempotency keys, stored by itself: in one round trip where its keys are new and
 * nothing has changed, as for nearly every request. In two, the keys looked up first, one client
 * waits 2.1 ms, not 1.5, and 16 publish 920/s, not 1,100.
 */
export async function publishWithKeys(
  context: PublishContext,
  request: PublishRequest,
): Promise<readonly PublishedEvent[]> {
  const now = context.clock.now()
  const events = request.events.map((event) => stamp(request, event, now))
  const stamped = { ...request, events, first: firstByKey(events), now }
  const { created, taken } =
    (await createAtOnce(context, stamped)) ?? (await createAfterLook(context, stamped))
  if (created.events.length > 0) reportPublished(context, created, now)
  return answers(context, stamped, { created, taken })
}

type Keyed = ReadonlyMap<string, EventRow>
type Taken = ReadonlyMap<string, TakenKey>
/** What was stored, and the keys that others had taken. */
type Published = { readonly created: Prepared; readonly taken: Taken }

/** A request whose events have their ids. */
type Stamped = Omit<PublishRequest, 'events'> & {
  readonly events: readonly EventRow[]
  readonly first: Keyed
  readonly now: Date
}

const untaken: Taken = new Map()

/**
 * By what is remembered of subscriptions and catalogue, as if its keys were new. Null: nothing is
 * stored, since one of them is not, or what is remembered does not hold, or refuses it.
 */
async function createAtOnce(context: PublishContext, stamped: Stamped): Promise<Published | null> {
  const { workspaceId, now } = stamped
  const audience = context.fanOut.remembered([workspaceId])
  if (audience === null) return null
  const created = tryPrepare(audience, newOf(stamped, untaken), now)
  if (created instanceof Error) return null
  const publication = { ...created, changeId: newUuid(now.getTime()), at: now, asOf: audience.asOf }
  const keys = keysWish(created, stamped)
  const storing = insertKeyedPublication(context.pool, publication, keys)
  const isStored = await storing.catch(falseIfRival)
  return isStored ? { created, taken: untaken } : null
}

/** Another request took one of its keys at the same moment. */
function falseIfRival(error: unknown): false {
  if (gaveWay(error)) return false
  throw error
}

/**
 * Keys that were used are looked up first, so that a repetition is answered whatever became of its
 * event's type. Taking a key waits for a rival that has taken it and not committed, so of many
 * identical requests exactly one creates the event, and the others answer with it. The same key for
 * something else is a conflict, and nothing is created.
 */
async function createAfterLook(context: PublishContext, stamped: Stamped): Promise<Published> {
  const { workspaceId, events, first, now } = stamped
  const [found, audience] = await Promise.all([
    readKeys(context.pool, workspaceId, [...first.keys()]),
    context.fanOut.audience([workspaceId]),
  ])
  const before = matching(first, found)
  const request = newOf(stamped, before)
  if (!events.some(request.isNew)) return { created: { events: [], deliveries: [] }, taken: before }
  const prepared = prepareNew(audience, request, now)
  const { created, taken } = await createBesideRival(context, stamped, prepared)
  return { created, taken: new Map([...before, ...taken]) }
}

/** Those of its events are to be created whose keys nobody has taken. */
function newOf(stamped: Stamped, taken: Taken): StampedRequest {
  const { first } = stamped
  return { ...stamped, isNew: (event: EventRow) => isUntaken(event, first, taken) }
}

/** Stores what is still new once its keys are taken. */
function createBesideRival(
  context: PublishContext,
  stamped: Stamped,
  prepared: Prepared,
): Promise<Published> {
  const { now: at } = stamped
  return inTransaction(context.pool, async (client) => {
    const keyed = firstByKey(prepared.events)
    const taken = matching(keyed, await takeKeys(client, keysWish(prepared, stamped)))
    const created = withoutTaken(prepared, keyed, taken)
    if (created.events.length > 0) {
      const publication = { ...created, changeId: newUuid(at.getTime()), at, asOf: null }
      await insertPublication(client, publication)
    }
    return { created, taken }
  })
}

function keysWish({ events }: Prepared, { workspaceId, now: at }: Stamped): KeysWish {
  const rows = [...firstByKey(events)].map(([key, event]) => {
    return { key, eventId: event.eventId, requestHash: requestHash(event) }
  })
  return { workspaceId, at, rows }
}

/** In one batch a key may be repeated, with the same content: the first event stands for all. */
function firstByKey(events: readonly EventRow[]): Keyed {
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

/** Neither published before nor a repetition inside the batch. */
function isUntaken({ idempotencyKey: key, eventId }: EventRow, first: Keyed, taken: Taken) {
  return key === null || (first.get(key)?.eventId === eventId && !taken.has(key))
}

/** Keys that were used before, each for what it is used for now. */
function matching(keyed: Keyed, rows: readonly TakenKey[]): Taken {
  for (const row of rows) {
    const event = keyed.get(row.key)
    const { requestHash: before } = row
    if (event && before && !requestHash(event).equals(before)) throw usedBefore(row)
  }
  return new Map(rows.map((row) => [row.key, row]))
}

function withoutTaken(prepared: Prepared, keyed: Keyed, taken: Taken): Prepared {
  const isNew = (event: EventRow) => isUntaken(event, keyed, taken)
  return {
    events: prepared.events.filter(isNew),
    deliveries: prepared.deliveries.filter(({ event }) => isNew(event)),
  }
}

async function answers(
  context: PublishContext,
  { workspaceId, events, first }: Stamped,
  made: Published,
): Promise<PublishedEvent[]> {
  const created = new Map(publishedEvents(made.created).map((event) => [event.eventId, event]))
  const earlier = [...made.taken.values()].map((row) => row.eventId)
  const counts = await countDeliveriesOf(context.pool, workspaceId, earlier)
  return events.map((event) => {
    const fresh = created.get(event.eventId)
    if (fresh) return fresh
    const key = event.idempotencyKey ?? ''
    const eventId = made.taken.get(key)?.eventId ?? first.get(key)?.eventId ?? event.eventId
    const deliveryCount = created.get(eventId)?.deliveryCount ?? counts.get(eventId) ?? 0
    return { eventId, created: null, deliveryCount, replayed: true }
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
  const message =
    `The idempotency key "${key}" stands for two different events in this batch. ` +
    'Nothing was published.'
  return new AppError('CONFLICT', message)
}
