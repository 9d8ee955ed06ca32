import { envelopeOf } from './envelope.ts'
import { wireFormatNames, wireFormats } from './wire-formats.ts'

/** What the log keeps of a request, in place of its body. */
export type SentTrace = {
  /** As they were sent, case included. */
  readonly headerNames: readonly string[]
  readonly sentAt: Date
}

/**
 * The body of a request that was sent, made again from its payload: storing it with each attempt
 * would double the log. Which format it had is told by its signature's header, the one thing that
 * no two formats share and no custom header can be; the endpoint's format may be another by now.
 */
export function sentBody(payloadText: string, { headerNames, sentAt }: SentTrace): string {
  const format = wireFormatNames.find((name) => {
    return headerNames.includes(wireFormats[name].signature.header)
  })
  if (!format) return payloadText
  const around = envelopeOf(wireFormats[format], Math.floor(sentAt.getTime() / 1000))
  return around ? around.before + payloadText + around.after : payloadText
}
