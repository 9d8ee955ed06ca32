import { createEndpoint } from '../../control/endpoint-create.ts'
import { notFound } from '../../errors.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { builder } from './builder.ts'
import { endpointInputs } from './endpoint-inputs.ts'
import {
  ConflictError,
  LimitExceededError,
  NotFoundError,
  UrlNotAllowedError,
  ValidationError,
} from './errors.ts'
import { addMutation } from './mutation.ts'
import { DeliveryRef, EndpointRef } from './refs.ts'
import { workspaceMeant } from './tenant.ts'

const EndpointCreateInput = builder.inputType('EndpointCreateInput', {
  description: 'A new endpoint.',
  fields: (t) => ({
    workspaceId: t.id({
      description: "Whose; left out, the key's own. An operator must name one.",
    }),
    ...endpointInputs(t),
    url: t.string({ required: true, description: 'Where requests go.' }),
    eventTypes: t.stringList({
      required: true,
      description:
        'Exact names, prefixes such as `invoice.*`, or `["*"]` for all. Names that begin with ' +
        "`postrider.` are for endpoints of the operator's workspace alone.",
    }),
    externalId: t.string({
      description: "The caller's own id of it; unique in its workspace, and stays.",
    }),
    secret: t.string({
      description: 'What signs its requests, as its wire format takes it. Left out: generated.',
    }),
    ping: t.boolean({
      description: 'Whether it is sent a ping at once. Left out: as its wire format does.',
    }),
  }),
})

type Created = {
  readonly endpoint: Endpoint
  readonly secret: string
  readonly pingDeliveryId: string | null
}

const EndpointCreateSuccess = builder.objectRef<Created>('EndpointCreateSuccess').implement({
  description: 'The endpoint was created. Events published from now on reach it.',
  fields: (t) => ({
    endpoint: t.expose('endpoint', { type: EndpointRef, description: 'As created.' }),
    secret: t.exposeString('secret', {
      description: 'What signs its requests: shown here and never again.',
    }),
    pingDelivery: t.field({
      type: DeliveryRef,
      nullable: true,
      description: 'The ping it was sent; null where it was sent none.',
      resolve: ({ endpoint: { workspaceId }, pingDeliveryId: id }, _args, { loaders }) =>
        id === null ? null : loaders.delivery.load({ workspaceId, id }),
    }),
  }),
})

addMutation({
  name: 'endpointCreate',
  description: 'Adds an endpoint.',
  scope: 'manage',
  input: EndpointCreateInput,
  success: EndpointCreateSuccess,
  errors: [ValidationError, UrlNotAllowedError, ConflictError, LimitExceededError, NotFoundError],
  resolve: async ({ workspaceId, ...input }, context) => {
    const meant = await workspaceMeant(context, workspaceId)
    const workspace = await context.loaders.workspace.load(meant)
    if (!workspace) throw notFound('Workspace')
    return createEndpoint(context.services, workspace, input)
  },
})
