import { tryEndpoint } from '../../control/endpoint-ping.ts'
import type { StoredDelivery } from '../../store/delivery.ts'
import { builder } from './builder.ts'
import { InvalidStateError, NotFoundError, ValidationError } from './errors.ts'
import { addMutation } from './mutation.ts'
import { DeliveryRef } from './refs.ts'
import { endpointMeant } from './tenant.ts'

const EndpointPingInput = builder.inputType('EndpointPingInput', {
  description: 'Which endpoint to try, and with what.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The endpoint.' }),
    eventType: t.string({
      description: "Sends the catalogue's example of this type; left out: a `ping`.",
    }),
  }),
})

const EndpointPingSuccess = builder
  .objectRef<{ readonly delivery: StoredDelivery }>('EndpointPingSuccess')
  .implement({
    description: 'The ping is on its way.',
    fields: (t) => ({
      delivery: t.expose('delivery', {
        type: DeliveryRef,
        description: 'A delivery like any other: watch it in the log and the feed.',
      }),
    }),
  })

addMutation({
  name: 'endpointPing',
  description: 'Tries an endpoint: sends a ping, or the example of an event type, to it alone.',
  scope: 'manage',
  input: EndpointPingInput,
  success: EndpointPingSuccess,
  errors: [ValidationError, NotFoundError, InvalidStateError],
  resolve: async ({ id, eventType }, context) => {
    const key = await endpointMeant(context, id)
    const deliveryId = await tryEndpoint(context.services, key, eventType ?? null)
    const { workspaceId } = key
    const delivery = await context.loaders.delivery.load({ workspaceId, id: deliveryId })
    if (!delivery) throw new Error('A ping that was stored cannot be read.')
    return { delivery }
  },
})
