import { type FieldNode, type GraphQLResolveInfo, visit } from 'graphql'
import { notFound } from '../../errors.ts'
import type { FeedChange } from '../../feed/change.ts'
import type { FeedItem } from '../../feed/hub.ts'
import type { ChangePosition } from '../../store/change.ts'
import type { StoredDelivery } from '../../store/delivery.ts'
import type { DeliveryFilter } from '../../store/delivery-filter.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { DeliveryStatusEnum } from './delivery-enums.ts'
import {
  DeliveryFilterInput,
  type GivenDeliveryFilter,
  readDeliveryFilter,
} from './delivery-filter.ts'
import { AttemptRef, DeliveryRef } from './refs.ts'
import type { EventSource } from './event-source.ts'
import { readStreamCursor, writeStreamCursor } from './stream-cursor.ts'
import { workspaceMeant } from './tenant.ts'

/** An item of the feed, with the workspace its cursor is bound to. */
type StreamItem<Kind extends FeedItem['kind']> = Extract<FeedItem, { kind: Kind }> & {
  readonly workspaceId: string
}

const cursorOf = (
  { workspaceId }: { readonly workspaceId: string },
  position: ChangePosition,
  { services }: Context,
) => writeStreamCursor(services.cursors, workspaceId, position)

const DeliveryChangeRef = builder.objectRef<StreamItem<'CHANGE'>>('DeliveryChange').implement({
  description: "One change of a delivery's status.",
  fields: (t) => ({
    cursor: t.string({
      description: 'Its place in the feed. Subscribe with it as `after` to go on behind it.',
      resolve: (item, _args, context) => cursorOf(item, item.change.position, context),
    }),
    status: t.field({
      type: DeliveryStatusEnum,
      description: 'As of this change, even if the delivery has moved on since.',
      resolve: ({ change }) => change.status,
    }),
    previousStatus: t.field({
      type: DeliveryStatusEnum,
      nullable: true,
      description: 'What it was before; null when the delivery was created.',
      resolve: ({ change }) => change.previousStatus,
    }),
    changedAt: t.field({
      type: 'DateTime',
      description: 'When it changed.',
      resolve: ({ change }) => change.changedAt,
    }),
    delivery: t.field({
      type: DeliveryRef,
      description: 'As it is now.',
      resolve: ({ change }, _args, context) => deliveryNow(change, context),
    }),
    attempt: t.field({
      type: AttemptRef,
      nullable: true,
      description: 'The attempt that caused the change, if one did.',
      resolve: ({ change }) => change.attempt,
    }),
  }),
})

const StreamCheckpointRef = builder
  .objectRef<StreamItem<'CHECKPOINT'>>('StreamCheckpoint')
  .implement({
    description:
      "Sent at the start, and from time to time, so that a quiet stream's cursor still moves.",
    fields: (t) => ({
      cursor: t.string({
        description: 'Everything up to here that fits the filter was sent.',
        resolve: (item, _args, context) => cursorOf(item, item.position, context),
      }),
    }),
  })

const StreamResetRef = builder.objectRef<StreamItem<'RESET'>>('StreamReset').implement({
  description:
    'The stream cannot go on from the cursor asked for. What lies between is to be read from the ' +
    'log by query; the stream goes on from here.',
  fields: (t) => ({
    cursor: t.string({
      description: 'Where the stream goes on.',
      resolve: (item, _args, context) => cursorOf(item, item.position, context),
    }),
    reason: t.exposeString('reason', { description: 'Why, in words.' }),
  }),
})

const typeNames = {
  CHANGE: 'DeliveryChange',
  CHECKPOINT: 'StreamCheckpoint',
  RESET: 'StreamReset',
} as const

const DeliveryStreamItem = builder.unionType('DeliveryStreamItem', {
  types: [DeliveryChangeRef, StreamCheckpointRef, StreamResetRef],
  description: 'What the feed says.',
  resolveType: ({ kind }) => typeNames[kind],
})

builder.subscriptionField('deliveryChanges', (t) =>
  t.field({
    type: DeliveryStreamItem,
    authScopes: { read: true },
    description:
      "Every change of a delivery's status, at least once, in an order that is the same for " +
      'every subscriber of a workspace. It first says where it begins.',
    args: {
      workspaceId: t.arg.id({ description: "Left out, the key's own; an operator must name one." }),
      filter: t.arg({
        type: DeliveryFilterInput,
        description:
          'Which changes; all unless given. `statuses` are those changed to; `lastResults` and ' +
          '`lastStatusCode` are of the attempt that caused the change, and a change without one ' +
          'does not fit them.',
      }),
      after: t.arg.string({
        description: 'Begin behind this cursor and first send what was missed; now unless given.',
      }),
    },
    subscribe: (...[, args, context, info]) => {
      return subscribe({ ...args, withAttempts: asksFor('attempt', info) }, context)
    },
    resolve: (item) => item,
  }),
)

/** One that has waited for a slow subscriber is read again: it may have moved on since. */
function deliveryNow(
  change: FeedChange,
  context: Context,
): StoredDelivery | Promise<StoredDelivery> {
  const { delivery } = change
  // No promise where there is nothing to wait for: it would cost as much as the other fields.
  if (isFresh(change)) return delivery
  return context.loaders.delivery.load(delivery).then((read) => read ?? delivery)
}

function isFresh({ readAtMs }: FeedChange): boolean {
  return performance.now() - readAtMs < freshMs
}

/**
 * Long enough for a busy process: a statement for each subscriber would keep it busy. Whatever a
 * delivery has become since is on its way to the same subscriber, as a change of its own.
 */
const freshMs = 2_000

/** Whether a field of this name is selected anywhere. */
function asksFor(name: string, { operation, fragments }: GraphQLResolveInfo): boolean {
  let found = false
  const Field = (node: FieldNode) => {
    found ||= node.name.value === name
  }
  for (const node of [operation, ...Object.values(fragments)]) visit(node, { Field })
  return found
}

type Asked = {
  readonly withAttempts: boolean
  readonly workspaceId?: string | null | undefined
  readonly filter?: GivenDeliveryFilter | null | undefined
  readonly after?: string | null | undefined
}

type AnyItem = FeedItem & { readonly workspaceId: string }

/** Everything that can be refused is, before the stream begins. */
async function subscribe(asked: Asked, context: Context): Promise<EventSource<AnyItem>> {
  const { cursors, hub } = context.services
  const workspaceId = await workspaceMeant(context, asked.workspaceId)
  const filter = readDeliveryFilter(asked.filter)
  await requireEndpoints(filter, workspaceId, context)
  const from = context.lastEventId ?? asked.after
  const after = from ? readStreamCursor(cursors, workspaceId, from) : null
  const { withAttempts } = asked
  const subscriber = hub.subscribe({ workspaceId, filter, after, withAttempts })
  const named = (item: FeedItem): AnyItem => ({ ...item, workspaceId })
  const source: EventSource<AnyItem> = {
    next: async () => {
      const { value } = await subscriber.next()
      return value ? { done: false, value: named(value) } : ended
    },
    takeReady: (max) => subscriber.takeReady(max).map(named),
    sharedBy: (item) => (item.kind === 'CHANGE' && isFresh(item.change) ? item.change : undefined),
    idOf: (item) => writeStreamCursor(cursors, workspaceId, positionOf(item)),
    return: async () => {
      await subscriber.return()
      return ended
    },
    [Symbol.asyncIterator]: () => source,
  }
  return source
}

function positionOf(item: FeedItem): ChangePosition {
  return item.kind === 'CHANGE' ? item.change.position : item.position
}

const ended = { done: true, value: undefined } as const

/** A stream for an endpoint that is not there would only stay silent. */
async function requireEndpoints(
  { endpointIds }: DeliveryFilter,
  workspaceId: string,
  { loaders }: Context,
): Promise<void> {
  const keys = (endpointIds ?? []).map((id) => ({ workspaceId, id }))
  const endpoints = await loaders.endpoint.loadMany(keys)
  if (endpointIds?.length === 0 || endpoints.includes(null)) throw notFound('Endpoint')
}
