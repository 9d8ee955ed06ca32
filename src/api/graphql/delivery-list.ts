import { positionAt } from '../../store/change.ts'
import type { DeliveryFilter } from '../../store/delivery-filter.ts'
import { countDeliveries, listDeliveries } from '../../store/delivery-list.ts'
import type { StoredDelivery } from '../../store/delivery.ts'
import { within } from '../../store/log-span.ts'
import { readsOf } from '../../store/reads.ts'
import { builder } from './builder.ts'
import { type Connection, loadConnection, type PageArgs } from './connection.ts'
import { implementConnection } from './connection-type.ts'
import type { Context } from './context.ts'
import { CountRef, countOf, countTo } from './count.ts'
import {
  DeliveryFilterInput,
  type GivenDeliveryFilter,
  readDeliveryFilter,
} from './delivery-filter.ts'
import { DeliveryRef, EndpointRef, EventRef } from './refs.ts'
import { writeStreamCursor } from './stream-cursor.ts'
import { workspaceMeant } from './tenant.ts'

/** A page of the log, and where the feed goes on from it. */
type DeliveryPage = Connection<StoredDelivery> & { readonly streamCursor: string }

const DeliveryConnection = builder.objectRef<DeliveryPage>('DeliveryConnection')

implementConnection(DeliveryConnection, {
  node: DeliveryRef,
  name: 'Delivery',
  many: 'deliveries',
})

builder.objectField(DeliveryConnection, 'streamCursor', (t) =>
  t.exposeString('streamCursor', {
    description:
      'Where the feed goes on: subscribe to `deliveryChanges` with `after: streamCursor`, and ' +
      'nothing between this page and the stream is missed.',
  }),
)

const whichDeliveries = { type: DeliveryFilterInput, description: 'Which; all unless given.' }
const whichWorkspace = { description: "Left out, the key's own; an operator must name one." }

builder.queryFields((t) => ({
  deliveries: t.field({
    type: DeliveryConnection,
    authScopes: { read: true },
    description: 'The log of a workspace: its deliveries, newest first.',
    args: {
      workspaceId: t.arg.id(whichWorkspace),
      filter: t.arg(whichDeliveries),
      ...t.arg.connectionArgs(),
    },
    resolve: async (_root, { workspaceId: given, filter, ...args }, context) => {
      const workspaceId = await workspaceMeant(context, given)
      return loadPage({ list: 'deliveries', workspaceId, filter, args }, context)
    },
  }),
  deliveriesCount: t.field({
    type: CountRef,
    authScopes: { read: true },
    description: 'How many deliveries a workspace has.',
    args: { workspaceId: t.arg.id(whichWorkspace), filter: t.arg(whichDeliveries) },
    resolve: async (_root, { workspaceId: given, filter }, context) => {
      const workspaceId = await workspaceMeant(context, given)
      const selection = { workspaceId, filter: readDeliveryFilter(filter) }
      const read = readsOf(context.services.database)
      return countOf(await countDeliveries(read, selection, countTo))
    },
  }),
}))

builder.objectField(EndpointRef, 'deliveries', (t) =>
  t.field({
    type: DeliveryConnection,
    description: 'Its log: what it was sent or is to be sent, newest first.',
    args: { ...t.arg.connectionArgs(), filter: t.arg(whichDeliveries) },
    resolve: ({ id, workspaceId }, { filter, ...args }, context) => {
      const list = `endpoint ${id}`
      return loadPage({ list, workspaceId, filter, args, endpointId: id }, context)
    },
  }),
)

builder.objectField(EventRef, 'deliveries', (t) =>
  t.field({
    type: DeliveryConnection,
    authScopes: { read: true },
    description: 'Where it went or is to go, newest first.',
    args: { ...t.arg.connectionArgs(), filter: t.arg(whichDeliveries) },
    resolve: ({ id, workspaceId }, { filter, ...args }, context) => {
      const list = `event ${id}`
      return loadPage({ list, workspaceId, filter, args, eventId: id }, context)
    },
  }),
)

type PageWish = {
  /** Its cursors are good for this list alone. */
  readonly list: string
  readonly workspaceId: string
  readonly filter: GivenDeliveryFilter | null | undefined
  readonly args: PageArgs
} & Owner

/** The one endpoint or event whose list it is. */
type Owner = { readonly endpointId?: string; readonly eventId?: string }

async function loadPage(wish: PageWish, { services, loaders }: Context): Promise<DeliveryPage> {
  const { cursors, database, clock } = services
  const { list, workspaceId, filter: given, args } = wish
  const selection = { workspaceId, filter: narrowed(readDeliveryFilter(given), wish) }
  const request = { args, cursors, scope: { list, workspaceId, filter: given } }
  let fence = 0n
  const page = await loadConnection(request, async (slice) => {
    const part = within(slice, await services.logSpan())
    const found = await listDeliveries(readsOf(database), selection, part)
    for (const delivery of found.rows) loaders.delivery.prime(delivery, delivery)
    fence = found.fence
    return found.rows
  })
  const position = positionAt(fence, clock.now())
  return { ...page, streamCursor: writeStreamCursor(cursors, workspaceId, position) }
}

/** In the list of one endpoint or event, a filter for another one fits nothing. */
function narrowed(filter: DeliveryFilter, { endpointId, eventId }: Owner): DeliveryFilter {
  const isOther = eventId !== undefined && filter.eventId !== null && filter.eventId !== eventId
  const all = isOther
    ? { ...filter, statuses: [] }
    : { ...filter, eventId: eventId ?? filter.eventId }
  if (endpointId === undefined) return all
  const isMeant = filter.endpointIds === null || filter.endpointIds.includes(endpointId)
  return { ...all, endpointIds: isMeant ? [endpointId] : [] }
}
