import { startReplay } from '../../control/replays.ts'
import type { Replay } from '../../model/replay.ts'
import { builder } from './builder.ts'
import { DateTimeRangeInput, readDateTimeRange } from './date-time-range.ts'
import { DeliveryStatusEnum } from './delivery-enums.ts'
import { InvalidStateError, LimitExceededError, NotFoundError, ValidationError } from './errors.ts'
import { addMutation } from './mutation.ts'
import { ReplayRef } from './refs.ts'
import { endpointMeant } from './tenant.ts'

const DeliveriesReplayInput = builder.inputType('DeliveriesReplayInput', {
  description: 'Which events to deliver again, and where.',
  fields: (t) => ({
    endpointId: t.id({ required: true, description: 'The endpoint, which must be enabled.' }),
    createdAt: t.field({
      type: DateTimeRangeInput,
      required: true,
      description:
        'When the events were published. An open end is the oldest event that is kept, or now; ' +
        'a `since` before what is kept is refused.',
    }),
    statuses: t.field({
      type: [DeliveryStatusEnum],
      description:
        'Events whose last delivery to this endpoint ended in one of these states; PENDING and ' +
        'RETRYING are refused, since what waits is delivered anyway. Left out or empty: all ' +
        'events, also those this endpoint never got but would get today; that runs once a day ' +
        'for an endpoint.',
    }),
    eventTypes: t.stringList({
      description: 'Events of these types: names or prefixes such as `invoice.*`. Left out: any.',
    }),
  }),
})

const DeliveriesReplaySuccess = builder
  .objectRef<{ readonly replay: Replay }>('DeliveriesReplaySuccess')
  .implement({
    description: 'The replay has begun.',
    fields: (t) => ({
      replay: t.expose('replay', {
        type: ReplayRef,
        description: 'Watch it with `replayProgress`; nothing is counted yet.',
      }),
    }),
  })

addMutation({
  name: 'deliveriesReplay',
  description:
    'Delivers past events again to one endpoint, as a job that survives restarts. Pings are not ' +
    'replayed. An endpoint has one replay at a time. To see beforehand how many there are, ask ' +
    '`deliveriesCount`, or cancel the replay when it has counted.',
  scope: 'manage',
  input: DeliveriesReplayInput,
  success: DeliveriesReplaySuccess,
  errors: [ValidationError, NotFoundError, LimitExceededError, InvalidStateError],
  resolve: async ({ endpointId, createdAt, statuses, eventTypes }, context) => {
    const key = await endpointMeant(context, endpointId)
    const range = readDateTimeRange(createdAt, ['createdAt'])
    const wish = { ...range, statuses: statuses ?? [], eventTypes: eventTypes ?? null }
    return { replay: await startReplay(context.services, key, wish) }
  },
})
