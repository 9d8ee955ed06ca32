import { notFound } from '../../errors.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { ReplayRef } from './refs.ts'
import { replayKey } from './replay.ts'

builder.subscriptionField('replayProgress', (t) =>
  t.field({
    type: ReplayRef,
    authScopes: { read: true },
    description:
      'How a replay gets on: as it is now, then as it is after changes, a few times a second at ' +
      'most. Completes when the replay has ended.',
    args: { id: t.arg.id({ required: true, description: 'The replay.' }) },
    subscribe: async (_root, { id }, context) => follow(id, context),
    resolve: (replay) => replay,
  }),
)

/** What is not there is refused before the stream begins. */
async function follow(id: string, context: Context) {
  const key = await replayKey(context, id)
  if (!key || !(await context.loaders.replay.load(key))) throw notFound('Replay')
  return context.services.replayWatch.follow(key)
}
