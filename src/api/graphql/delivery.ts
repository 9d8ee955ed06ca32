import { publicId, uuidTime } from '../../rules/id.ts'
import type { StoredDelivery } from '../../store/delivery.ts'
import type { StoredEvent } from '../../store/event.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { DeliveryStatusEnum, DeliveryTriggerEnum } from './delivery-enums.ts'
import { deliveryKey } from './log-key.ts'
import { AttemptRef, DeliveryRef, EndpointRef, EventRef } from './refs.ts'

builder.node(DeliveryRef, {
  id: { resolve: ({ id }) => publicId('dlv', id) },
  loadOne: loadDelivery,
  authScopes: { read: true },
  description: 'One event on its way to one endpoint.',
  fields: (t) => ({
    event: t.field({ type: EventRef, description: 'What is delivered.', resolve: eventOf }),
    endpoint: t.field({
      type: EndpointRef,
      description: 'Where to. There also after it was deleted, as DISABLED.',
      resolve: async ({ workspaceId, endpointId }, _args, { loaders }) => {
        const endpoint = await loaders.endpoint.load({ workspaceId, id: endpointId })
        if (!endpoint) throw new Error('A delivery has no endpoint.')
        return endpoint
      },
    }),
    eventType: t.exposeString('eventType', { description: "The event's." }),
    status: t.expose('status', { type: DeliveryStatusEnum, description: 'Where it stands.' }),
    trigger: t.expose('trigger', { type: DeliveryTriggerEnum, description: 'Why there is one.' }),
    attemptCount: t.exposeInt('attemptCount', { description: 'Attempts made so far.' }),
    nextAttemptAt: t.expose('nextAttemptAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it is due; null where it has ended.',
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was created.',
      resolve: ({ id }) => new Date(uuidTime(id)),
    }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ended; null while it waits.',
    }),
    attempts: t.field({
      type: [AttemptRef],
      description: 'Every request that was made for it, oldest first.',
      resolve: async (delivery, _args, { loaders }) => [
        ...(await loaders.attemptsOf.load(delivery)),
      ],
    }),
  }),
})

builder.queryField('delivery', (t) =>
  t.field({
    type: DeliveryRef,
    nullable: true,
    authScopes: { read: true },
    description: 'One delivery.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (_root, { id }, context) => loadDelivery(id, context),
  }),
)

async function loadDelivery(id: string, context: Context): Promise<StoredDelivery | null> {
  const key = await deliveryKey(context, id)
  return key && context.loaders.delivery.load(key)
}

/**
 * A replayed delivery can outlive its event, which retention removes on the day of the event. What
 * is known of it still is shown: its type, and its time, which is in its id.
 */
async function eventOf(
  { workspaceId, eventId, eventType }: StoredDelivery,
  _args: object,
  { loaders }: Context,
): Promise<StoredEvent> {
  const event = await loaders.event.load({ workspaceId, id: eventId })
  if (event) return event
  const occurredAt = new Date(uuidTime(eventId))
  const unknown = { idempotencyKey: null, deliverAt: null, payloadPurgedAt: null }
  return { id: eventId, workspaceId, eventType, occurredAt, ...unknown }
}
