import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { PostRequest } from '../egress/exchange.ts'
import { isSecretHeader, redacted } from '../rules/custom-headers.ts'
import { publicId } from '../rules/id.ts'
import type { HeaderLine, Outcome } from '../rules/outcome.ts'
import { signedRequest } from '../rules/signature.ts'
import type { DueDelivery } from '../store/due.ts'
import type { Tracer } from '../tracing/tracer.ts'
import { attemptSpan, endAttemptSpan } from './attempt-span.ts'
import { payloadOf } from './payload.ts'
import type { LaneEndpoint, Sent } from './stages.ts'

/** Makes one request. Whatever the receiver does is an outcome; a throw is our own fault. */
export type Post = (request: PostRequest) => Promise<Outcome>

/** What sending needs, for all endpoints alike. */
export type SendContext = {
  readonly clock: Clock
  readonly post: Post
  readonly log: Log
  readonly userAgent: string
  /** Null: tracing is off, and receivers are told of no trace. */
  readonly tracer: Tracer | null
  /** The process must end: what is still out is given up, and recorded by nobody. */
  readonly isGivenUp: () => boolean
}

/**
 * One request and its answer; or, where it cannot even be made, an outcome that says why: it waits
 * for its next attempt like any failure, in sight.
 */
export async function send(
  context: SendContext,
  endpoint: LaneEndpoint,
  due: DueDelivery,
): Promise<Sent> {
  const startedAt = context.clock.now()
  const span = context.tracer?.start(attemptSpan(endpoint, due, startedAt))
  const traceparent = span?.traceparent ?? null
  const made = { due, number: due.attemptCount + 1, url: endpoint.url, startedAt }
  const exchanged = await exchange(context, endpoint, { due, startedAt, traceparent }).catch(
    (error: unknown) => {
      if (context.isGivenUp()) throw error
      const delivery = publicId('dlv', due.deliveryId)
      context.log.error({ err: error, delivery }, 'a request could not be made')
      return unsent('Not sent: the request could not be made from what is stored.')
    },
  )
  const sent = { ...made, ...exchanged }
  if (span) endAttemptSpan(span, sent)
  return sent
}

type Attempt = {
  readonly due: DueDelivery
  readonly startedAt: Date
  readonly traceparent: string | null
}

type Exchanged = Pick<Sent, 'requestHeaders' | 'outcome'>

/** The bytes that are signed are the bytes that are sent (P5). */
async function exchange(
  { post, userAgent }: SendContext,
  endpoint: LaneEndpoint,
  { due, startedAt, traceparent }: Attempt,
): Promise<Exchanged> {
  const { signer, customHeaders, url, timeoutMs } = endpoint
  const payload = payloadOf(due.event)
  if (signer === null) return unsent(secretUnreadable)
  if (payload === null) return unsent('Not sent: the payload of the event was removed.')
  const { headers: signed, body } = signedRequest({
    ...{ signer, customHeaders, payload, userAgent },
    eventType: due.event.eventType,
    eventId: publicId('evt', due.eventId),
    deliveryId: publicId('dlv', due.deliveryId),
    unixSeconds: Math.floor(startedAt.getTime() / 1000),
  })
  const headers = traceparent === null ? signed : withTrace(signed, traceparent)
  const outcome = await post({ url, headers, body, timeoutMs })
  return { requestHeaders: headerLines(endpoint, headers, body), outcome }
}

/** Behind all others. One that the endpoint's owner set is theirs. */
function withTrace(headers: readonly HeaderLine[], traceparent: string): readonly HeaderLine[] {
  const hasOwn = headers.some(([name]) => name.toLowerCase() === 'traceparent')
  return hasOwn ? headers : [...headers, ['traceparent', traceparent]]
}

/**
 * As sent, for the log: the client adds host and length around the headers given to it. Credentials
 * among the custom ones, which come first, are sealed where they are kept and do not leak here.
 */
function headerLines(
  { host, customHeaders }: LaneEndpoint,
  headers: readonly HeaderLine[],
  body: Buffer,
): string {
  let lines = `host: ${host}\n`
  for (const [index, [name, value]] of headers.entries()) {
    const isCredential = index < customHeaders.length && isSecretHeader(name)
    lines += `${name}: ${isCredential ? redacted : value}\n`
  }
  return `${lines}content-length: ${body.length}`
}

/** Retried until the operator brings the key back. */
const secretUnreadable =
  "Not sent: the endpoint's secret or headers cannot be decrypted with the operator's keys. " +
  'Setting them anew helps.'

function unsent(errorMessage: string): Exchanged {
  const outcome = { result: 'CONNECTION_ERROR', errorMessage, durationMs: 0, answer: null } as const
  return { requestHeaders: '', outcome }
}
