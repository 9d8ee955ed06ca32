import { positionAt } from '../../store/change.ts'
import { countDeliveries, listDeliveries } from '../../store/delivery-list.ts'
import type { StoredDelivery } from '../../store/delivery.ts'
import { readsOf } from '../../store/reads.ts'
import type { Slice } from '../../store/slice.ts'
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
import type { DeliveryPageKey } from './delivery-pages-loader.ts'
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
      const of = { owner: 'endpoint', ownerId: id } as const
      return loadPage({ list, workspaceId, filter, args, of }, context)
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
      const of = { owner: 'event', ownerId: id } as const
      return loadPage({ list, workspaceId, filter, args, of }, context)
    },
  }),
)

type PageWish = {
  /** Its cursors are good for this list alone. */
  readonly list: string
  readonly workspaceId: string
  readonly filter: GivenDeliveryFilter | null | undefined
  readonly args: PageArgs
  /** The endpoint or event whose list it is; left out, it is the workspace's. */
  readonly of?: Pick<DeliveryPageKey, 'owner' | 'ownerId'>
}

async function loadPage(wish: PageWish, context: Context): Promise<DeliveryPage> {
  const { cursors, clock } = context.services
  const { list, workspaceId, filter: given, args } = wish
  const request = { args, cursors, scope: { list, workspaceId, filter: given } }
  let fence = 0n
  const page = await loadConnection(request, async (slice) => {
    const found = await loadRows(wish, slice, context)
    for (const delivery of found.rows) context.loaders.delivery.prime(delivery, delivery)
    fence = found.fence
    return found.rows
  })
  const position = positionAt(fence, clock.now())
  return { ...page, streamCursor: writeStreamCursor(cursors, workspaceId, position) }
}

/** The lists of all endpoints or events of a page share their statement. */
async function loadRows(
  { workspaceId, filter: given, of }: PageWish,
  slice: Slice,
  { services, loaders }: Context,
) {
  const selection = { workspaceId, filter: readDeliveryFilter(given) }
  const part = { ...slice, days: await services.logSpan() }
  if (of) return loaders.deliveryPages.load({ ...selection, ...of, slice: part })
  return listDeliveries(readsOf(services.database), selection, part)
}
