import { purgePayloads } from '../../control/payload-purge.ts'
import { invalidInput, notFound } from '../../errors.ts'
import { purgeEventsMax } from '../../limits/forgetting.ts'
import type { TenantKey } from '../../store/endpoint.ts'
import type { StoredEvent } from '../../store/event.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { NotFoundError, ValidationError } from './errors.ts'
import { eventKey } from './log-key.ts'
import { addMutation } from './mutation.ts'
import { EventRef } from './refs.ts'

const EventPayloadPurgeInput = builder.inputType('EventPayloadPurgeInput', {
  description: 'Whose payloads are to be gone.',
  fields: (t) => ({
    eventIds: t.idList({
      required: true,
      description: `The events, 1 to ${purgeEventsMax} of them. Where one is not found, none is.`,
    }),
  }),
})

const EventPayloadPurgeSuccess = builder
  .objectRef<{ readonly events: readonly StoredEvent[] }>('EventPayloadPurgeSuccess')
  .implement({
    description: 'The payloads are gone.',
    fields: (t) => ({
      events: t.field({
        type: [EventRef],
        description: 'The events as they are now, in the order asked.',
        resolve: ({ events }) => [...events],
      }),
    }),
  })

addMutation({
  name: 'eventPayloadPurge',
  description:
    'Removes the payloads of events for good, and headers and bodies of all answers to them; the ' +
    'rest of the log stays. Deliveries that wait are canceled, and none can be retried or ' +
    'replayed. A request that is out already, or begins within two seconds in another process, ' +
    'is not called back. Purging again changes nothing. A publish with the idempotency key of ' +
    'one of them answers that event, whatever it carries.',
  scope: 'manage',
  input: EventPayloadPurgeInput,
  success: EventPayloadPurgeSuccess,
  errors: [ValidationError, NotFoundError],
  resolve: async ({ eventIds }, context) => {
    if (eventIds.length < 1 || eventIds.length > purgeEventsMax) throw wrongCount(eventIds.length)
    const keys = await Promise.all(eventIds.map((id) => presentKey(context, id)))
    await purgePayloads(context.services, keys)
    return { events: await Promise.all(keys.map((key) => readAgain(context, key))) }
  },
})

function wrongCount(count: number) {
  const message = `must name 1 to ${purgeEventsMax} events; got ${count}.`
  return invalidInput([{ path: ['eventIds'], message }])
}

async function presentKey(context: Context, id: string): Promise<TenantKey> {
  const key = await eventKey(context, id)
  if (!key || !(await context.loaders.event.load(key))) throw notFound('Event')
  return key
}

async function readAgain({ loaders }: Context, key: TenantKey): Promise<StoredEvent> {
  const event = await loaders.event.clear(key).load(key)
  if (!event) throw notFound('Event')
  return event
}
