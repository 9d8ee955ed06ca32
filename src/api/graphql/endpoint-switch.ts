import { deleteEndpoint, disableEndpoint, enableEndpoint } from '../../control/endpoint-switch.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { builder } from './builder.ts'
import { NotFoundError } from './errors.ts'
import { addMutation } from './mutation.ts'
import { EndpointRef } from './refs.ts'
import { endpointMeant } from './tenant.ts'

function idInput(name: string, description: string) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({ id: t.id({ required: true, description: 'The endpoint.' }) }),
  })
}

function endpointSuccess(name: string, description: string) {
  return builder.objectRef<{ readonly endpoint: Endpoint }>(name).implement({
    description,
    fields: (t) => ({
      endpoint: t.expose('endpoint', { type: EndpointRef, description: 'As it is now.' }),
    }),
  })
}

addMutation({
  name: 'endpointEnable',
  description: 'Lets an endpoint have deliveries again, and closes its circuit.',
  scope: 'manage',
  input: idInput('EndpointEnableInput', 'Which endpoint to enable.'),
  success: endpointSuccess('EndpointEnableSuccess', 'The endpoint is enabled.'),
  errors: [NotFoundError],
  resolve: async ({ id }, context) => {
    const key = await endpointMeant(context, id)
    return { endpoint: await enableEndpoint(context.services, key) }
  },
})

addMutation({
  name: 'endpointDisable',
  description: 'Stops deliveries to an endpoint until it is enabled again.',
  scope: 'manage',
  input: idInput('EndpointDisableInput', 'Which endpoint to disable.'),
  success: endpointSuccess('EndpointDisableSuccess', 'The endpoint is disabled.'),
  errors: [NotFoundError],
  resolve: async ({ id }, context) => {
    const key = await endpointMeant(context, id)
    return { endpoint: await disableEndpoint(context.services, key) }
  },
})

const EndpointDeleteSuccess = builder
  .objectRef<{ readonly deletedEndpointId: string }>('EndpointDeleteSuccess')
  .implement({
    description: 'The endpoint is gone. What waited for it is canceled; its log stays.',
    fields: (t) => ({
      deletedEndpointId: t.exposeID('deletedEndpointId', { description: 'The id it had.' }),
    }),
  })

addMutation({
  name: 'endpointDelete',
  description:
    'Deletes an endpoint and its secrets for good, and cancels what waits for it. Requests that ' +
    'are out are not called back, and another process may begin some until it hears of it.',
  scope: 'manage',
  input: idInput('EndpointDeleteInput', 'Which endpoint to delete.'),
  success: EndpointDeleteSuccess,
  errors: [NotFoundError],
  resolve: async ({ id }, context) => {
    await deleteEndpoint(context.services, await endpointMeant(context, id))
    return { deletedEndpointId: id }
  },
})
