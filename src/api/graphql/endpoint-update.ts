import { updateEndpoint } from '../../control/endpoint-update.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { builder } from './builder.ts'
import { endpointInputs } from './endpoint-inputs.ts'
import { NotFoundError, UrlNotAllowedError, ValidationError } from './errors.ts'
import { addMutation } from './mutation.ts'
import { EndpointRef } from './refs.ts'
import { endpointMeant } from './tenant.ts'

const EndpointUpdateInput = builder.inputType('EndpointUpdateInput', {
  description: 'Changes of an endpoint; left out stays as it is, null clears what can be cleared.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The endpoint to change.' }),
    ...endpointInputs(t),
    url: t.string({ description: 'Where requests go from now on, retries included.' }),
    eventTypes: t.stringList({ description: 'Replaces the whole list.' }),
  }),
})

const EndpointUpdateSuccess = builder
  .objectRef<{ readonly endpoint: Endpoint }>('EndpointUpdateSuccess')
  .implement({
    description: 'The endpoint was changed.',
    fields: (t) => ({
      endpoint: t.expose('endpoint', { type: EndpointRef, description: 'As it is now.' }),
    }),
  })

addMutation({
  name: 'endpointUpdate',
  description: 'Changes an endpoint.',
  scope: 'manage',
  input: EndpointUpdateInput,
  success: EndpointUpdateSuccess,
  errors: [ValidationError, UrlNotAllowedError, NotFoundError],
  resolve: async ({ id, ...changes }, context) => {
    const key = await endpointMeant(context, id)
    return { endpoint: await updateEndpoint(context.services, key, changes) }
  },
})
