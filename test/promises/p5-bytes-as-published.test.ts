import { createHash, createHmac } from 'node:crypto'
import { verify as verifyGitHub } from '@octokit/webhooks-methods'
import { Webhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { expect, test } from 'vitest'
import { wireFormatNames } from '../../src/rules/wire-formats.ts'
import { type Platform, startPlatform } from '../support/platform.ts'
import { type ReceivedRequest, startReceiver } from '../support/receiver.ts'

/** JSON that a parser would change on the way, in one manner or another. */
const texts = [
  ...['12345678901234567890', '1.10', '-0', '1e400', '"\\u00e9"', '"é"', '"\\/"', '"\\u0000"'],
  ...['{"a":1,"a":2}', '{"b":1,"a":2}', ' { "a" : 1 } ', '\n[\t1 ,\r\n2]', '{"__proto__":{"x":1}}'],
  ...['"\\ud800"', '"\\ud83d\\ude00"', '"😀"', 'null', 'true', '""', '9'.repeat(200_000)],
]

test.each(wireFormatNames)('%s sends what was published, byte for byte', async (wireFormat) => {
  await using receiver = await startReceiver()
  await using platform = await startPlatform()
  const { secret } = await platform.addEndpoint(receiver.url, { wireFormat, ordered: true })
  for (const payloadText of texts) await platform.publish({ payloadText })
  const requests = await receiver.until(texts.length)
  for (const [index, text] of texts.entries()) {
    const request = requests[index] as ReceivedRequest
    const body = request.body.toString()
    const wrapped = /^\{"events":\[(.*)\],"_request_time":\d+\}$/s.exec(body)?.[1]
    expect(wireFormat === 'TUTORCRUNCHER' ? wrapped : body).toBe(text)
    expect(await isSigned(request, { wireFormat, secret })).toBe(true)
  }
})

test('the log shows the bytes that were sent', async () => {
  await using receiver = await startReceiver()
  await using platform = await startPlatform()
  await platform.addEndpoint(receiver.url)
  const payloadText = ' {"n":12345678901234567890, "n":1.10}'
  const { eventId } = await platform.publish({ payloadText })
  await platform.watch.untilStatus('SUCCEEDED')
  const [delivery] = await platform.deliveries()
  expect(delivery.attempts[0].request.body).toBe(payloadText)
  expect(await payloadOf(platform, eventId)).toBe(payloadText)
})

async function payloadOf({ client }: Platform, id: string): Promise<string> {
  const { event } = await client.ask('query ($id: ID!) { event(id: $id) { payloadText } }', { id })
  return event.payloadText
}

type Signed = { readonly wireFormat: string; readonly secret: string }

/** As a receiver checks it, by the vendor's own library where there is one. */
async function isSigned(
  { body, headers }: ReceivedRequest,
  { wireFormat, secret }: Signed,
): Promise<boolean> {
  const hmac = (algorithm: string, key = secret) => {
    return createHmac(algorithm, key).update(body).digest('hex')
  }
  switch (wireFormat) {
    case 'STANDARD_WEBHOOKS':
      // Verified by itself: the library then parses, which some of these texts do not survive.
      return standardSignature(secret, { body, headers }) === headers['webhook-signature']
    case 'GITHUB':
      return verifyGitHub(secret, body.toString(), String(headers['x-hub-signature-256']))
    case 'STRIPE': {
      const signature = String(headers['stripe-signature'])
      return Stripe.webhooks.signature?.verifyHeader(body.toString(), signature, secret) ?? false
    }
    case 'TRUTAC':
      return headers['tt-hook-signature'] === `sha1=${hmac('sha1')}`
    case 'TUTORCRUNCHER':
      return headers['webhook-signature'] === hmac('sha256')
    default: {
      const key = createHash('sha256').update(secret).digest('hex')
      return headers['x-platform-signature'] === hmac('sha256', key)
    }
  }
}

function standardSignature(
  secret: string,
  { body, headers }: Pick<ReceivedRequest, 'body' | 'headers'>,
): string {
  const sentAt = new Date(Number(headers['webhook-timestamp']) * 1000)
  return new Webhook(secret).sign(String(headers['webhook-id']), sentAt, body)
}
