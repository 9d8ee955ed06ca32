import type { Replay, ReplayStatus } from '../../model/replay.ts'
import { publicId, uuidOf } from '../../rules/id.ts'
import type { TenantKey } from '../../store/endpoint.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { valuesOf } from './enum-values.ts'
import { EndpointRef, ReplayRef } from './refs.ts'

const ReplayStatusEnum = builder.enumType('ReplayStatus', {
  description: 'Where a replay stands.',
  values: valuesOf<ReplayStatus>({
    RUNNING:
      'It counts, makes deliveries, or waits: for the endpoint to attempt what it has, or to be ' +
      'enabled again.',
    COMPLETED: 'It has made all its deliveries. Each has its own status.',
    CANCELED: 'By a person, or because its endpoint was deleted. What it made stays.',
  }),
})

builder.node(ReplayRef, {
  id: { resolve: ({ id }) => publicId('rpl', id) },
  loadOne: loadReplay,
  authScopes: { read: true },
  description:
    'A job that makes new deliveries of past events for one endpoint. It makes them a few at a ' +
    'time, as fast as the endpoint attempts them, in the order in which the events were ' +
    'published; what is published meanwhile is not put behind all of them. While its endpoint is ' +
    'disabled it waits.',
  fields: (t) => ({
    endpoint: t.field({
      type: EndpointRef,
      description: 'Where its deliveries go. There also after it was deleted, as DISABLED.',
      resolve: async ({ workspaceId, endpointId }, _args, { loaders }) => {
        const endpoint = await loaders.endpoint.load({ workspaceId, id: endpointId })
        if (!endpoint) throw new Error('A replay has no endpoint.')
        return endpoint
      },
    }),
    status: t.expose('status', { type: ReplayStatusEnum, description: 'Where it stands.' }),
    matched: t.exposeInt('matched', {
      description:
        'Deliveries it is to make. Counted first, so it grows for a moment before `created` does.',
    }),
    created: t.exposeInt('created', {
      description:
        'Deliveries it has made. Fewer than `matched` in the end where an event was removed, or ' +
        'arrived otherwise, after it was counted.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was asked for.' }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ended; null while it is running.',
    }),
  }),
})

builder.queryField('replay', (t) =>
  t.field({
    type: ReplayRef,
    nullable: true,
    authScopes: { read: true },
    description: 'One replay. Kept as long as events are.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (_root, { id }, context) => loadReplay(id, context),
  }),
)

/** The key of a replay by its public id; null where no replay can have it. */
export async function replayKey(
  { caller, loaders }: Pick<Context, 'caller' | 'loaders'>,
  id: string,
): Promise<TenantKey | null> {
  const uuid = uuidOf('rpl', id)
  if (uuid === undefined) return null
  if (caller.workspaceId !== null) return { workspaceId: caller.workspaceId, id: uuid }
  return loaders.replayOwner.load(uuid)
}

async function loadReplay(id: string, context: Context): Promise<Replay | null> {
  const key = await replayKey(context, id)
  return key && context.loaders.replay.load(key)
}
