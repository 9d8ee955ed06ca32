import { countEndpoints, type EndpointCondition, listEndpoints } from '../../store/endpoint.ts'
import { builder } from './builder.ts'
import { loadConnection, type PageArgs } from './connection.ts'
import { type CountedConnection, countedConnectionType } from './connection-type.ts'
import type { Context } from './context.ts'
import { EndpointStatusEnum } from './endpoint.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { EndpointRef, WorkspaceRef } from './refs.ts'
import { workspaceMeant } from './tenant.ts'

const EndpointConnection = countedConnectionType({
  node: EndpointRef,
  name: 'Endpoint',
  many: 'endpoints',
})

const EndpointFilter = builder.inputType('EndpointFilter', {
  description: 'Which endpoints; all given conditions hold together.',
  fields: (t) => ({
    status: t.field({ type: EndpointStatusEnum, description: 'Enabled ones, or disabled ones.' }),
    eventType: t.string({ description: 'Those that would receive an event of this type.' }),
    externalId: t.string({ description: 'The one with this id of the caller.' }),
  }),
})

const filterMeaning = 'Which endpoints; left out: all.'

builder.queryField('endpoints', (t) =>
  t.field({
    type: EndpointConnection,
    authScopes: { read: true },
    description: 'The endpoints of a workspace.',
    args: {
      workspaceId: t.arg.id({
        description: "Whose; left out, the key's own. An operator must name one.",
      }),
      filter: t.arg({ type: EndpointFilter, description: filterMeaning }),
      ...t.arg.connectionArgs(),
    },
    resolve: async (_root, { workspaceId, filter, ...args }, context) => {
      const meant = await workspaceMeant(context, workspaceId)
      return loadPage(context, { workspaceId: meant, filter, args })
    },
  }),
)

builder.objectField(WorkspaceRef, 'endpoints', (t) =>
  t.field({
    type: EndpointConnection,
    authScopes: { read: true },
    description: 'Its endpoints.',
    args: {
      filter: t.arg({ type: EndpointFilter, description: filterMeaning }),
      ...t.arg.connectionArgs(),
    },
    resolve: ({ id }, { filter, ...args }, context) =>
      loadPage(context, { workspaceId: id, filter, args }),
  }),
)

type Asked = {
  readonly workspaceId: string
  readonly filter: typeof EndpointFilter.$inferInput | null | undefined
  readonly args: PageArgs
}

async function loadPage(
  { services: { database, cursors } }: Context,
  { workspaceId, filter, args }: Asked,
): Promise<CountedConnection<Endpoint>> {
  const em = database.orm.em.fork()
  const condition: EndpointCondition = {
    workspaceId,
    status: filter?.status ?? undefined,
    eventType: filter?.eventType ?? undefined,
    externalId: filter?.externalId ?? undefined,
  }
  const scope = { list: 'endpoints', workspaceId, filter }
  const page = await loadConnection({ args, cursors, scope }, (slice) => {
    return listEndpoints(em, condition, slice)
  })
  return { ...page, countAll: () => countEndpoints(em, condition) }
}
