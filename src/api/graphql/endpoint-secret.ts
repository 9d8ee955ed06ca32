import { type RotatedSecret, rotateSecret } from '../../control/endpoint-secrets.ts'
import { previousSecretTtlSecondsDefault, previousSecretTtlSecondsMax } from '../../limits.ts'
import { builder } from './builder.ts'
import { NotFoundError, ValidationError } from './errors.ts'
import { addMutation } from './mutation.ts'
import { EndpointRef } from './refs.ts'
import { endpointMeant } from './tenant.ts'

const EndpointSecretRotateInput = builder.inputType('EndpointSecretRotateInput', {
  description: 'How to give an endpoint a new secret.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The endpoint.' }),
    secret: t.string({
      description: 'The new secret, as its wire format takes it. Left out: generated.',
    }),
    previousSecretTtlSeconds: t.int({
      defaultValue: previousSecretTtlSecondsDefault,
      description:
        'How long the old secret signs on, so that the receiver can change over: 0 to ' +
        `${previousSecretTtlSecondsMax}; 0 revokes it at once.`,
    }),
  }),
})

const EndpointSecretRotateSuccess = builder
  .objectRef<RotatedSecret>('EndpointSecretRotateSuccess')
  .implement({
    description:
      'The endpoint has a new secret. Until the old one expires both sign, where the wire format ' +
      'can carry two signatures; where it cannot, the old one signs until then.',
    fields: (t) => ({
      endpoint: t.expose('endpoint', { type: EndpointRef, description: 'As it is now.' }),
      secret: t.exposeString('secret', {
        description: 'The new secret: shown here and never again.',
      }),
      previousSecretExpiresAt: t.expose('previousSecretExpiresAt', {
        type: 'DateTime',
        description: 'When the old secret stops signing.',
      }),
    }),
  })

addMutation({
  name: 'endpointSecretRotate',
  description: 'Gives an endpoint a new secret.',
  scope: 'manage',
  input: EndpointSecretRotateInput,
  success: EndpointSecretRotateSuccess,
  errors: [ValidationError, NotFoundError],
  resolve: async ({ id, ...input }, context) =>
    rotateSecret(context.services, await endpointMeant(context, id), input),
})
