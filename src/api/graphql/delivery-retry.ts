import { retryDelivery } from '../../control/deliveries.ts'
import { builder } from './builder.ts'
import { changedDelivery, type DeliverySuccess } from './delivery-success.ts'
import { InvalidStateError, NotFoundError } from './errors.ts'
import { addMutation } from './mutation.ts'
import { DeliveryRef } from './refs.ts'

const DeliveryRetryInput = builder.inputType('DeliveryRetryInput', {
  description: 'Which delivery to attempt.',
  fields: (t) => ({ id: t.id({ required: true, description: 'Its id.' }) }),
})

const DeliveryRetrySuccess = builder.objectRef<DeliverySuccess>('DeliveryRetrySuccess').implement({
  description: 'The delivery is due now.',
  fields: (t) => ({
    delivery: t.expose('delivery', { type: DeliveryRef, description: 'As it is now.' }),
  }),
})

addMutation({
  name: 'deliveryRetry',
  description:
    'Attempts a delivery at once, whatever its status but PENDING, and begins its retry schedule ' +
    'anew. One that was to be retried later is brought forward.',
  scope: 'manage',
  input: DeliveryRetryInput,
  success: DeliveryRetrySuccess,
  errors: [NotFoundError, InvalidStateError],
  resolve: ({ id }, context) => changedDelivery(context, id, retryDelivery),
})
