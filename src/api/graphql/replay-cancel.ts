import { cancelReplay } from '../../control/replays.ts'
import { notFound } from '../../errors.ts'
import type { Replay } from '../../model/replay.ts'
import { builder } from './builder.ts'
import { InvalidStateError, NotFoundError } from './errors.ts'
import { addMutation } from './mutation.ts'
import { ReplayRef } from './refs.ts'
import { replayKey } from './replay.ts'

const ReplayCancelInput = builder.inputType('ReplayCancelInput', {
  description: 'Which replay to stop.',
  fields: (t) => ({ id: t.id({ required: true, description: 'Its id.' }) }),
})

const ReplayCancelSuccess = builder
  .objectRef<{ readonly replay: Replay }>('ReplayCancelSuccess')
  .implement({
    description: 'The replay makes no more deliveries.',
    fields: (t) => ({
      replay: t.expose('replay', { type: ReplayRef, description: 'As it is now.' }),
    }),
  })

addMutation({
  name: 'replayCancel',
  description: 'Stops a replay. The deliveries it has made stay; they can be canceled one by one.',
  scope: 'manage',
  input: ReplayCancelInput,
  success: ReplayCancelSuccess,
  errors: [NotFoundError, InvalidStateError],
  resolve: async ({ id }, context) => {
    const key = await replayKey(context, id)
    if (!key) throw notFound('Replay')
    return { replay: await cancelReplay(context.services, key) }
  },
})
