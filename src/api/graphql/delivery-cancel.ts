import { cancelDelivery } from '../../control/deliveries.ts'
import { builder } from './builder.ts'
import { changedDelivery, type DeliverySuccess } from './delivery-success.ts'
import { InvalidStateError, NotFoundError } from './errors.ts'
import { addMutation } from './mutation.ts'
import { DeliveryRef } from './refs.ts'

const DeliveryCancelInput = builder.inputType('DeliveryCancelInput', {
  description: 'Which delivery to give up.',
  fields: (t) => ({ id: t.id({ required: true, description: 'Its id.' }) }),
})

const DeliveryCancelSuccess = builder
  .objectRef<DeliverySuccess>('DeliveryCancelSuccess')
  .implement({
    description: 'The delivery is not attempted again, unless somebody retries it.',
    fields: (t) => ({
      delivery: t.expose('delivery', { type: DeliveryRef, description: 'As it is now.' }),
    }),
  })

addMutation({
  name: 'deliveryCancel',
  description:
    'Gives up a delivery that waits. A request that is out already is not called back; how it ' +
    'ends is logged.',
  scope: 'manage',
  input: DeliveryCancelInput,
  success: DeliveryCancelSuccess,
  errors: [NotFoundError, InvalidStateError],
  resolve: ({ id }, context) => changedDelivery(context, id, cancelDelivery),
})
