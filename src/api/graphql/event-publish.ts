import { readEventInputs, type EventInput } from '../../control/event-input.ts'
import { AppError, invalidInput } from '../../errors.ts'
import { batchEventsMax, deliverAtDaysMax, payloadBytesMax } from '../../limits.ts'
import type { PublishedEvent } from '../../pipeline/stages.ts'
import type { StoredEvent } from '../../store/event.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { ConflictError, LimitExceededError, NotFoundError, ValidationError } from './errors.ts'
import { refuseLossyPayloads } from './lossy-payload.ts'
import { addMutation } from './mutation.ts'
import { EventRef } from './refs.ts'
import { workspaceNamed } from './tenant.ts'

const describe = {
  eventType: 'A name of the catalogue that is not reserved.',
  payload:
    'What happened, as JSON. A number that would lose digits on the way is refused; give ' +
    '`payloadText` then. Exactly one of the two.',
  payloadText:
    `What happened, as JSON text of at most ${payloadBytesMax} bytes of UTF-8. It is sent byte ` +
    'for byte as it is here. Exactly one of `payload` and `payloadText`.',
  idempotencyKey:
    'Publishing again with the same key, type and bytes of payload answers with the first event ' +
    'and creates nothing; with others it is a conflict. Times are not compared. Kept as long as ' +
    'the event.',
  occurredAt: 'When it happened; now unless given. For the log, not for delivery.',
  deliverAt: `Not to be attempted before; at most ${deliverAtDaysMax} days ahead.`,
}

type InputFields = Parameters<Parameters<typeof builder.inputType>[1]['fields']>[0]

/** One event, alone or of a batch. */
function eventFields(t: InputFields) {
  return {
    eventType: t.string({ required: true, description: describe.eventType }),
    payload: t.field({ type: 'JSON', description: describe.payload }),
    payloadText: t.string({ description: describe.payloadText }),
    idempotencyKey: t.string({ description: describe.idempotencyKey }),
    occurredAt: t.field({ type: 'DateTime', description: describe.occurredAt }),
    deliverAt: t.field({ type: 'DateTime', description: describe.deliverAt }),
  }
}

const EventPublishInput = builder.inputType('EventPublishInput', {
  description: 'One event.',
  fields: (t) => ({
    workspaceId: t.id({ description: "Left out, the key's own; an operator must name one." }),
    ...eventFields(t),
  }),
})

const BatchEventInput = builder.inputType('BatchEventInput', {
  description: 'One event of a batch.',
  fields: eventFields,
})

const EventPublishBatchInput = builder.inputType('EventPublishBatchInput', {
  description: 'Events of one workspace that are published together or not at all.',
  fields: (t) => ({
    workspaceId: t.id({ description: "Left out, the key's own; an operator must name one." }),
    events: t.field({
      type: [BatchEventInput],
      required: true,
      description: `In the order in which they happened; 1 to ${batchEventsMax}.`,
    }),
  }),
})

type Published = {
  readonly event: StoredEvent
  readonly deliveryCount: number
  readonly replayed: boolean
}

const EventPublishSuccess = builder.objectRef<Published>('EventPublishSuccess').implement({
  description: 'The event and all its deliveries are stored: whatever crashes now, they arrive.',
  fields: (t) => ({
    event: t.expose('event', {
      type: EventRef,
      grantScopes: ['published'],
      description: 'As stored.',
    }),
    deliveryCount: t.exposeInt('deliveryCount', {
      description: 'How many endpoints get it, those included whose deliveries are suppressed.',
    }),
    replayed: t.exposeBoolean('replayed', {
      description: 'It had been published before under the same idempotency key.',
    }),
  }),
})

type PublishedBatch = {
  readonly events: readonly StoredEvent[]
  readonly deliveryCount: number
  readonly replayed: readonly boolean[]
}

const EventPublishBatchSuccess = builder
  .objectRef<PublishedBatch>('EventPublishBatchSuccess')
  .implement({
    description: 'All events and their deliveries are stored.',
    fields: (t) => ({
      events: t.field({
        type: [EventRef],
        grantScopes: ['published'],
        resolve: ({ events }) => [...events],
        description: 'In the order given. One whose key was used before is the earlier event.',
      }),
      deliveryCount: t.exposeInt('deliveryCount', {
        description: 'Of all events together, each counted once.',
      }),
      replayed: t.field({
        type: ['Boolean'],
        resolve: ({ replayed }) => [...replayed],
        description:
          'For each, in the order given: whether it had been published before under the same ' +
          'idempotency key, or stands earlier in this batch.',
      }),
    }),
  })

const refusals = [ValidationError, ConflictError, NotFoundError, LimitExceededError]

addMutation({
  name: 'eventPublish',
  description: 'Publishes an event to every endpoint of the workspace that subscribes to its type.',
  scope: 'publish',
  input: EventPublishInput,
  success: EventPublishSuccess,
  errors: refusals,
  resolve: async ({ workspaceId, ...given }, context, info) => {
    const { clock, publisher } = context.services
    const workspace = workspaceNamed(context, workspaceId)
    refuseLossyPayloads(
      { info, bodyText: context.bodyText },
      hasPayload(given) ? [['payload']] : [],
    )
    const events = readEventInputs([given], { now: clock.now(), batch: false })
    const owner = { workspaceId: workspace, traceparent: context.traceparent }
    const published = await publisher.publish({ ...owner, events, isBatch: false })
    const [stored] = await readPublished(context, workspace, published)
    const [first] = published
    if (!stored || !first) throw new Error('An event that was published cannot be read.')
    return { event: stored, deliveryCount: first.deliveryCount, replayed: first.replayed }
  },
})

addMutation({
  name: 'eventPublishBatch',
  description: `Publishes up to ${batchEventsMax} events of one workspace, all or none.`,
  scope: 'publish',
  input: EventPublishBatchInput,
  success: EventPublishBatchSuccess,
  errors: refusals,
  resolve: async ({ workspaceId, events: given }, context, info) => {
    const { clock, publisher } = context.services
    const workspace = workspaceNamed(context, workspaceId)
    checkBatchSize(given.length)
    const payloads = given.flatMap((event, index) => {
      return hasPayload(event) ? [['events', String(index), 'payload']] : []
    })
    refuseLossyPayloads({ info, bodyText: context.bodyText }, payloads)
    const events = readEventInputs(given, { now: clock.now(), batch: true })
    const owner = { workspaceId: workspace, traceparent: context.traceparent }
    const published = await publisher.publish({ ...owner, events, isBatch: true })
    const stored = await readPublished(context, workspace, published)
    const replayed = published.map((event) => event.replayed)
    return { events: stored, deliveryCount: countDeliveries(published), replayed }
  },
})

/** A key that stands twice in a batch means one event. */
function countDeliveries(published: readonly PublishedEvent[]): number {
  const counts = new Map(published.map(({ eventId, deliveryCount }) => [eventId, deliveryCount]))
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}

function checkBatchSize(count: number): void {
  if (count === 0) throw invalidInput([{ path: ['events'], message: 'holds no event.' }])
  if (count <= batchEventsMax) return
  const message = `A batch has at most ${batchEventsMax} events; got ${count}.`
  throw new AppError('LIMIT_EXCEEDED', message, { limit: batchEventsMax })
}

function hasPayload({ payload }: EventInput): boolean {
  return payload !== undefined && payload !== null
}

/** What was stored just now need not be read. */
function readPublished(
  { loaders }: Context,
  workspaceId: string,
  published: readonly PublishedEvent[],
): Promise<StoredEvent[]> {
  const read = async ({ eventId: id, created }: PublishedEvent): Promise<StoredEvent> => {
    const event = created
      ? { ...created, id, payloadPurgedAt: null }
      : await loaders.event.load({ workspaceId, id })
    if (event === null) throw new Error('An event that was published cannot be read.')
    return event
  }
  return Promise.all(published.map(read))
}
