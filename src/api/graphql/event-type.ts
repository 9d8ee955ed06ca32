import { createEventType, updateEventType } from '../../control/event-types.ts'
import type { EventType } from '../../model/event-type.ts'
import { publicId, uuidOf } from '../../rules/id.ts'
import { operationalPrefix, operatorWorkspaceId } from '../../rules/operational-event.ts'
import { countEventTypes, listEventTypes } from '../../store/event-type.ts'
import { builder } from './builder.ts'
import { loadConnection } from './connection.ts'
import { countedConnectionType } from './connection-type.ts'
import { valuesOf } from './enum-values.ts'
import { ConflictError, NotFoundError, ValidationError } from './errors.ts'
import { addMutation } from './mutation.ts'
import { EventTypeRef } from './refs.ts'

const EventTypeStatusEnum = builder.enumType('EventTypeStatus', {
  description: 'What may be done with an event type.',
  values: valuesOf({
    ACTIVE: 'May be published and subscribed to.',
    RESERVED: 'For the future: may be subscribed to; publishing it is refused.',
    DEPRECATED: 'May still be published; new subscriptions by its exact name are refused.',
  }),
})

builder.node(EventTypeRef, {
  id: { resolve: ({ id }) => publicId('evtype', id) },
  loadOne: (id, { loaders }) => {
    const uuid = uuidOf('evtype', id)
    return uuid === undefined ? null : loaders.eventType.load(uuid)
  },
  authScopes: { read: true },
  description:
    "A kind of event. The catalogue is the operator's, and one for all workspaces. Types that " +
    'begin with `postrider.` are what the program itself reports to the operator: endpoints of ' +
    'the workspace whose `externalId` is `postrider` may subscribe to them, and no others.',
  fields: (t) => ({
    name: t.exposeString('name', {
      description: 'Segments of letters, digits, `_` and `-` joined by dots, as `invoice.paid`.',
    }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'When it happens, and what it means.',
    }),
    status: t.expose('status', {
      type: EventTypeStatusEnum,
      description: 'What may be done with it.',
    }),
    schema: t.expose('schema', {
      type: 'JSON',
      nullable: true,
      description: 'JSON Schema 2020-12; a payload that does not fit is refused when published.',
    }),
    example: t.expose('example', {
      type: 'JSON',
      nullable: true,
      description: 'A payload as it may be; what `endpointPing` sends of this type.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was added.' }),
  }),
})

const EventTypeConnection = countedConnectionType({
  node: EventTypeRef,
  name: 'EventType',
  many: 'event types',
})

builder.queryField('eventTypes', (t) =>
  t.field({
    type: EventTypeConnection,
    authScopes: { read: true },
    description:
      'The catalogue. The types that begin with `postrider.` are shown to the operator, and to ' +
      "keys of the operator's workspace.",
    args: t.arg.connectionArgs(),
    resolve: async (_root, args, { caller, services: { database, cursors } }) => {
      const em = database.orm.em.fork()
      const request = { args, cursors, scope: { list: 'eventTypes', workspaceId: null } }
      const { workspaceId } = caller
      const seesAll = workspaceId === null || workspaceId === operatorWorkspaceId
      const condition = { hiddenPrefix: seesAll ? null : operationalPrefix }
      const page = await loadConnection(request, (slice) => listEventTypes(em, condition, slice))
      return { ...page, countAll: () => countEventTypes(em, condition) }
    },
  }),
)

const schemaMeaning = 'JSON Schema 2020-12 that payloads must fit; it stands alone, without `$ref`s'

const EventTypeCreateInput = builder.inputType('EventTypeCreateInput', {
  description: 'A new event type.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'As `invoice.paid`; unique, and stays.' }),
    description: t.string({ description: 'When it happens, and what it means.' }),
    status: t.field({
      type: EventTypeStatusEnum,
      defaultValue: 'ACTIVE',
      description: 'What may be done with it.',
    }),
    schema: t.field({ type: 'JSON', description: `${schemaMeaning} to elsewhere.` }),
    example: t.field({ type: 'JSON', description: 'A payload as it may be; fits the schema.' }),
  }),
})

type Success = { readonly eventType: EventType }

const EventTypeCreateSuccess = builder.objectRef<Success>('EventTypeCreateSuccess').implement({
  description: 'The event type was added.',
  fields: (t) => ({
    eventType: t.expose('eventType', { type: EventTypeRef, description: 'As added.' }),
  }),
})

addMutation({
  name: 'eventTypeCreate',
  description: 'Adds an event type to the catalogue of all workspaces.',
  scope: 'operator',
  input: EventTypeCreateInput,
  success: EventTypeCreateSuccess,
  errors: [ValidationError, ConflictError],
  resolve: async (input, { services }) => ({ eventType: await createEventType(services, input) }),
})

const EventTypeUpdateInput = builder.inputType('EventTypeUpdateInput', {
  description: 'Changes of an event type; left out stays as it is, null clears.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Which one. The name itself stays.' }),
    description: t.string({ description: 'When it happens, and what it means.' }),
    status: t.field({ type: EventTypeStatusEnum, description: 'What may be done with it.' }),
    schema: t.field({ type: 'JSON', description: `${schemaMeaning} to elsewhere.` }),
    example: t.field({ type: 'JSON', description: 'A payload as it may be; fits the schema.' }),
  }),
})

const EventTypeUpdateSuccess = builder.objectRef<Success>('EventTypeUpdateSuccess').implement({
  description: 'The event type was changed.',
  fields: (t) => ({
    eventType: t.expose('eventType', { type: EventTypeRef, description: 'As it is now.' }),
  }),
})

addMutation({
  name: 'eventTypeUpdate',
  description: 'Changes an event type. It holds from the next publish on.',
  scope: 'operator',
  input: EventTypeUpdateInput,
  success: EventTypeUpdateSuccess,
  errors: [ValidationError, NotFoundError],
  resolve: async ({ name, ...changes }, { services }) => ({
    eventType: await updateEventType(services, name, changes),
  }),
})
