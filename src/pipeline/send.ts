import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { PostRequest } from '../egress/exchange.ts'
import { publicId } from '../rules/id.ts'
import type { HeaderLine, Outcome } from '../rules/outcome.ts'
import { signedRequest } from '../rules/signature.ts'
import type { DueDelivery } from '../store/due.ts'
import type { LaneEndpoint, Sent } from './stages.ts'

export type Post = (request: PostRequest) => Promise<Outcome>

export type SendContext = {
  readonly clock: Clock
  readonly post: Post
  readonly log: Log
  readonly userAgent: string
}

/** One request and its answer. The bytes that are signed are the bytes that are sent (P5). */
export async function send(
  context: SendContext,
  endpoint: LaneEndpoint,
  due: DueDelivery,
): Promise<Sent> {
  const startedAt = context.clock.now()
  const made = { due, number: due.attemptCount + 1, url: endpoint.url, startedAt }
  if (endpoint.signer === null) return { ...made, requestHeaders: '', outcome: unreadableSecret }
  const { headers, body } = signedRequest({
    signer: endpoint.signer,
    customHeaders: endpoint.customHeaders,
    eventType: due.eventType,
    eventId: publicId('evt', due.eventId),
    deliveryId: publicId('dlv', due.deliveryId),
    payloadText: due.payloadText,
    unixSeconds: Math.floor(startedAt.getTime() / 1000),
    userAgent: context.userAgent,
  })
  const { url, timeoutMs } = endpoint
  const outcome = await context.post({ url, headers, body, timeoutMs }).catch((error: unknown) => {
    context.log.error(
      { err: error, delivery: publicId('dlv', due.deliveryId) },
      'a request could not be made',
    )
    return notMade
  })
  return { ...made, requestHeaders: headerLines(endpoint.host, headers, body), outcome }
}

/** As sent: the client adds host and length around the headers given to it. */
function headerLines(host: string, headers: readonly HeaderLine[], body: string): string {
  let lines = `host: ${host}\n`
  for (const [name, value] of headers) lines += `${name}: ${value}\n`
  return `${lines}content-length: ${Buffer.byteLength(body)}`
}

/** Our bug, and not the receiver's: it waits for its next attempt like any failure, in sight. */
const notMade: Outcome = {
  result: 'CONNECTION_ERROR',
  errorMessage: 'Not sent: the request could not be made from what is stored.',
  durationMs: 0,
  answer: null,
}

/** Seen in the log and retried like any failure, until the operator brings the key back. */
const unreadableSecret: Outcome = {
  result: 'CONNECTION_ERROR',
  errorMessage:
    "Not sent: the endpoint's secret cannot be decrypted with the operator's keys. " +
    'Rotating the secret helps.',
  durationMs: 0,
  answer: null,
}
