import { openHeaders } from '../../control/endpoint-fields.ts'
import { notFound } from '../../errors.ts'
import type { DisabledReason, Endpoint, EndpointStatus } from '../../model/endpoint.ts'
import { publicId } from '../../rules/id.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { valuesOf } from './enum-values.ts'
import { HttpHeaderRef, showHeader, type ShownHeader } from './http-header.ts'
import { EndpointRef, WorkspaceRef } from './refs.ts'
import { endpointKey } from './tenant.ts'
import { WireFormatEnum } from './wire-format.ts'

/** Whether an endpoint gets deliveries. */
export const EndpointStatusEnum = builder.enumType('EndpointStatus', {
  description: 'Whether an endpoint gets deliveries.',
  values: valuesOf<EndpointStatus>({
    ENABLED: 'What is published goes to it.',
    DISABLED: 'Nothing goes to it. What is published meanwhile is logged as SUPPRESSED.',
  }),
})

const DisabledReasonEnum = builder.enumType('DisabledReason', {
  description: 'Why an endpoint is disabled.',
  values: valuesOf<DisabledReason>({
    MANUAL: 'By a person.',
    GONE: 'The receiver answered 410 Gone.',
    FAILING: 'It failed for days without one success.',
  }),
})

builder.node(EndpointRef, {
  id: { resolve: ({ id }) => publicId('wh', id) },
  loadOne: (id, context) => findPresent(id, context),
  authScopes: { read: true },
  description: 'A URL of a customer that gets the events it subscribes to, as signed requests.',
  fields: (t) => ({
    workspace: t.field({
      type: WorkspaceRef,
      description: 'Whose it is.',
      resolve: async ({ workspaceId }, _args, { loaders }) => {
        const workspace = await loaders.workspace.load(workspaceId)
        if (!workspace) throw notFound('Workspace') // deleted meanwhile
        return workspace
      },
    }),
    externalId: t.exposeString('externalId', {
      nullable: true,
      description: "The caller's own id of it; unique in its workspace.",
    }),
    url: t.expose('url', { type: 'URL', description: 'Where requests go, in canonical form.' }),
    description: t.exposeString('description', { nullable: true, description: 'For people.' }),
    eventTypes: t.exposeStringList('eventTypes', {
      description: 'Exact names, prefixes such as `invoice.*`, or exactly `["*"]` for all.',
    }),
    wireFormat: t.expose('wireFormat', {
      type: WireFormatEnum,
      description: 'How its requests look.',
    }),
    status: t.expose('status', { type: EndpointStatusEnum, description: 'Whether it is on.' }),
    disabledReason: t.expose('disabledReason', {
      type: DisabledReasonEnum,
      nullable: true,
      description: 'Why it is disabled; null while it is enabled.',
    }),
    disabledAt: t.expose('disabledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Since when it is disabled; null while it is enabled.',
    }),
    headers: t.field({
      type: [HttpHeaderRef],
      description: 'Headers of its own that every request carries.',
      resolve: (endpoint, _args, context) => shownHeaders(endpoint, context),
    }),
    timeoutSeconds: t.exposeInt('timeoutSeconds', {
      description: 'For the whole exchange, 1 to 30.',
    }),
    retrySchedule: t.exposeIntList('retrySchedule', {
      description: 'Seconds before each retry; its length is the number of retries.',
    }),
    rateLimitPerSecond: t.exposeInt('rateLimitPerSecond', {
      nullable: true,
      description: 'Requests in a second that it is sent at most; null: any number.',
    }),
    ordered: t.exposeBoolean('ordered', {
      description:
        'Whether it gets one request at a time, in the order of publishing. A retry then holds ' +
        'back what is behind it.',
    }),
    metadata: t.expose('metadata', { type: 'JSON', description: "The caller's own JSON object." }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
  }),
})

builder.queryField('endpoint', (t) =>
  t.field({
    type: EndpointRef,
    nullable: true,
    authScopes: { read: true },
    description: 'One endpoint.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (_root, { id }, context) => findPresent(id, context),
  }),
)

/** A deleted endpoint is found by its deliveries alone. */
async function findPresent(id: string, context: Context): Promise<Endpoint | null> {
  const key = await endpointKey(context, id)
  const endpoint = key && (await context.loaders.endpoint.load(key))
  return endpoint && !endpoint.deletedAt ? endpoint : null
}

/** Headers that cannot be read are one row's trouble: the rest of the page is shown. */
function shownHeaders(endpoint: Endpoint, { services, requestId }: Context): ShownHeader[] {
  const opened = openHeaders(services.sealer, endpoint)
  if (opened.ok) return opened.headers.map(({ name, value }) => showHeader(name, value))
  const { reason } = opened
  const ids = {
    endpoint: publicId('wh', endpoint.id),
    workspace: publicId('ws', endpoint.workspaceId),
  }
  services.log.error({ ...ids, requestId, reason }, 'headers of an endpoint cannot be read')
  return []
}
