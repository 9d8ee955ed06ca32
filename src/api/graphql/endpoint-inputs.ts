import type { InputFieldBuilder } from '@pothos/core'
import {
  descriptionLengthMax,
  rateLimitPerSecondMax,
  timeoutSecondsDefault,
  timeoutSecondsMax,
} from '../../limits.ts'
import { builder } from './builder.ts'
import { WireFormatEnum } from './wire-format.ts'

const HttpHeaderInput = builder.inputType('HttpHeaderInput', {
  description: 'One header to be sent.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Not one that the wire format sends itself.' }),
    value: t.string({ required: true, description: 'Stored encrypted.' }),
  }),
})

type Fields = InputFieldBuilder<(typeof builder)['$inferSchemaTypes'], 'InputObject'>

/** What an endpoint can be given both when it is created and later. */
export function endpointInputs(t: Fields) {
  return {
    description: t.string({
      description: `For people; at most ${descriptionLengthMax} characters.`,
    }),
    wireFormat: t.field({
      type: WireFormatEnum,
      description: "How its requests look; for a new one the workspace's unless given.",
    }),
    headers: t.field({
      type: [HttpHeaderInput],
      description: 'Headers that every request is to carry, all of them.',
    }),
    timeoutSeconds: t.int({
      description:
        `Seconds for the whole exchange, 1 to ${timeoutSecondsMax}; ` +
        `${timeoutSecondsDefault} unless given.`,
    }),
    retrySchedule: t.intList({
      description: "Seconds before each retry; the wire format's unless given.",
    }),
    rateLimitPerSecond: t.int({
      description: `Requests in a second at most, 1 to ${rateLimitPerSecondMax}; null: any number.`,
    }),
    ordered: t.boolean({ description: 'One request at a time, in the order of publishing.' }),
    metadata: t.field({ type: 'JSON', description: "A JSON object of the caller's own." }),
  }
}
