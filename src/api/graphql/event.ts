import { notFound } from '../../errors.ts'
import { publicId, uuidTime } from '../../rules/id.ts'
import { listEvents, type EventFilter, type StoredEvent } from '../../store/event.ts'
import { readsOf } from '../../store/reads.ts'
import { builder } from './builder.ts'
import { loadConnection } from './connection.ts'
import { connectionType } from './connection-type.ts'
import type { Context } from './context.ts'
import { DateTimeRangeInput, readDateTimeRange } from './date-time-range.ts'
import { eventKey } from './log-key.ts'
import { EventRef, WorkspaceRef } from './refs.ts'
import { workspaceMeant } from './tenant.ts'

builder.node(EventRef, {
  id: { resolve: ({ id }) => publicId('evt', id) },
  loadOne: loadEvent,
  // Whoever has just published an event may see it, also with a key that reads nothing else.
  authScopes: { $any: { read: true, $granted: 'published' } },
  description: 'Something that happened, as it was published.',
  fields: (t) => ({
    workspace: t.field({
      type: WorkspaceRef,
      description: 'Whose event it is.',
      resolve: async ({ workspaceId }, _args, { loaders }) => {
        const workspace = await loaders.workspace.load(workspaceId)
        if (!workspace) throw notFound('Workspace') // deleted meanwhile
        return workspace
      },
    }),
    eventType: t.exposeString('eventType', { description: 'Its name in the catalogue.' }),
    payload: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'What happened, parsed: numbers may lose digits on the way to you. Null once ' +
        'retention or a purge has removed it.',
      resolve: async (event, _args, context) => {
        const text = await payloadText(event, context)
        return text === null ? null : (JSON.parse(text) as unknown)
      },
    }),
    payloadText: t.string({
      nullable: true,
      description:
        'Byte for byte what was published. Null once retention or a purge has removed it.',
      resolve: (event, _args, context) => payloadText(event, context),
    }),
    payloadPurgedAt: t.expose('payloadPurgedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its payload was removed for good, see `eventPayloadPurge`; null: never.',
    }),
    idempotencyKey: t.exposeString('idempotencyKey', {
      nullable: true,
      description: 'What it was published under, so that it is there only once.',
    }),
    occurredAt: t.expose('occurredAt', {
      type: 'DateTime',
      description: 'When it happened, in the words of its publisher.',
    }),
    deliverAt: t.expose('deliverAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its deliveries were to begin; null: at once.',
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was published.',
      resolve: ({ id }) => new Date(uuidTime(id)),
    }),
  }),
})

async function payloadText(event: StoredEvent, { loaders }: Context): Promise<string | null> {
  return (await loaders.payload.load(event))?.payloadText ?? null
}

async function loadEvent(id: string, context: Context): Promise<StoredEvent | null> {
  const key = await eventKey(context, id)
  return key && context.loaders.event.load(key)
}

const EventFilterInput = builder.inputType('EventFilter', {
  description: 'Which events. All conditions that are given hold together.',
  fields: (t) => ({
    eventTypes: t.stringList({ description: 'Of one of these types, by exact name.' }),
    createdAt: t.field({ type: DateTimeRangeInput, description: 'Published in this time.' }),
    idempotencyKey: t.string({ description: 'The one event published under this key.' }),
  }),
})

type GivenEventFilter = typeof EventFilterInput.$inferInput

function readEventFilter(given: GivenEventFilter | null | undefined): EventFilter {
  const { since, until } = readDateTimeRange(given?.createdAt, ['filter', 'createdAt'])
  return {
    eventTypes: given?.eventTypes ?? null,
    idempotencyKey: given?.idempotencyKey ?? null,
    createdSince: since,
    createdUntil: until,
  }
}

const EventConnection = connectionType({ node: EventRef, name: 'Event', many: 'events' })

builder.queryFields((t) => ({
  event: t.field({
    type: EventRef,
    nullable: true,
    authScopes: { read: true },
    description: 'One event.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (_root, { id }, context) => loadEvent(id, context),
  }),
  events: t.field({
    type: EventConnection,
    authScopes: { read: true },
    description: 'The events of a workspace, newest first.',
    args: {
      workspaceId: t.arg.id({ description: "Left out, the key's own; an operator must name one." }),
      filter: t.arg({ type: EventFilterInput, description: 'Which events; all unless given.' }),
      ...t.arg.connectionArgs(),
    },
    resolve: async (_root, { workspaceId: given, filter, ...args }, context) => {
      const { cursors, database, logSpan } = context.services
      const workspaceId = await workspaceMeant(context, given)
      const selection = { workspaceId, filter: readEventFilter(filter) }
      const request = { args, cursors, scope: { list: 'events', workspaceId, filter } }
      return loadConnection(request, async (slice) => {
        const part = { ...slice, days: await logSpan() }
        const events = await listEvents(readsOf(database), selection, part)
        for (const event of events) context.loaders.event.prime(event, event)
        return events
      })
    },
  }),
}))
