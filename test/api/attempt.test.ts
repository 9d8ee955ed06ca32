import { afterAll, beforeAll, expect, test } from 'vitest'
import { publicId } from '../../src/rules/id.ts'
import { prepareSigner, signedRequest } from '../../src/rules/signature.ts'
import { wireFormatNames } from '../../src/rules/wire-formats.ts'
import { type Bundle, openBundle } from '../support/bundle.ts'
import { idOf, newLogTenant } from '../support/log-tenant.ts'

let bundle: Bundle

beforeAll(async () => {
  bundle = await openBundle()
})

afterAll(() => bundle[Symbol.asyncDispose]())

const attempts = `query ($id: ID!) { delivery(id: $id) { attempts {
  id number trigger result errorMessage startedAt durationMs
  request { method url headers { name value redacted } body }
  response { statusCode headers { name value redacted } body bodyTruncated }
} } }`

test('an attempt shows what was sent and what came back', async () => {
  const tenant = await newLogTenant(bundle)
  const delivery = await tenant.deliver()
  const startedAt = new Date('2026-11-20T10:00:00.000Z')
  await tenant.rows.attempt(delivery, {
    result: 'HTTP_ERROR',
    statusCode: 500,
    startedAt,
    durationMs: 12,
    requestHeaders: 'X-Api-Key: k\nwebhook-signature: v1,abc=\nx-note: a: b',
    responseHeaders: 'content-type: text/plain\nset-cookie: s=1',
    responseBody: Buffer.from([0x6f, 0x6b, 0xff, 0x00]),
  })
  const { delivery: found } = await tenant.client.ask(attempts, { id: idOf(delivery) })
  expect(found.attempts).toEqual([
    {
      id: publicId('att', `${delivery.deliveryId.slice(0, -3)}001`),
      number: 1,
      trigger: 'SCHEDULED',
      result: 'HTTP_ERROR',
      errorMessage: 'It did not work.',
      startedAt: startedAt.toISOString(),
      durationMs: 12,
      request: {
        method: 'POST',
        url: 'https://example.com/',
        headers: [
          { name: 'X-Api-Key', value: 'REDACTED', redacted: true },
          { name: 'webhook-signature', value: 'v1,abc=', redacted: false },
          { name: 'x-note', value: 'a: b', redacted: false },
        ],
        body: '{"n":1}',
      },
      response: {
        statusCode: 500,
        headers: [
          { name: 'content-type', value: 'text/plain', redacted: false },
          { name: 'set-cookie', value: 'REDACTED', redacted: true },
        ],
        body: 'ok\ufffd\u0000',
        bodyTruncated: false,
      },
    },
  ])
})

test('an attempt without an answer has no response', async () => {
  const tenant = await newLogTenant(bundle)
  const delivery = await tenant.deliver()
  await tenant.rows.attempt(delivery, { result: 'TIMEOUT' })
  const { delivery: found } = await tenant.client.ask(attempts, { id: idOf(delivery) })
  expect(found.attempts[0].response).toBeNull()
})

test('an attempt is found by its id', async () => {
  const tenant = await newLogTenant(bundle)
  const delivery = await tenant.deliver()
  await tenant.rows.attempt(delivery, { result: 'TIMEOUT' })
  await tenant.rows.attempt(delivery, { result: 'SUCCEEDED', statusCode: 200 })
  const node = 'query ($id: ID!) { node(id: $id) { id ... on DeliveryAttempt { number result } } }'
  const idOfAttempt = (number: string) => {
    return publicId('att', delivery.deliveryId.slice(0, -3) + number)
  }
  const found = async (id: string) => (await tenant.client.ask(node, { id })).node
  expect(await found(idOfAttempt('002'))).toMatchObject({ number: 2, result: 'SUCCEEDED' })
  expect(await found(idOfAttempt('003'))).toBeNull()
  expect(await found(idOfAttempt('000'))).toBeNull()
})

test.each(wireFormatNames)('a request of %s is shown with the body it had', async (format) => {
  const tenant = await newLogTenant(bundle)
  const payloadText = '{"a": [1.10, "é"]}'
  const delivery = await tenant.deliver({ payloadText })
  const startedAt = new Date('2026-11-20T10:00:00.987Z')
  const { headers, body } = signedRequest({
    signer: prepareSigner(format, [{ secret: `whsec_${'a'.repeat(32)}`, expiresAt: null }]),
    customHeaders: [['x-custom', 'yes']],
    eventType: 'invoice.paid',
    eventId: publicId('evt', delivery.event.eventId),
    deliveryId: idOf(delivery),
    payload: Buffer.from(payloadText),
    unixSeconds: Math.floor(startedAt.getTime() / 1000),
    userAgent: 'Postrider/test',
  })
  const requestHeaders = headers.map(([name, value]) => `${name}: ${value}`).join('\n')
  await tenant.rows.attempt(delivery, { result: 'TIMEOUT', requestHeaders, startedAt })
  const { delivery: found } = await tenant.client.ask(attempts, { id: idOf(delivery) })
  expect(found.attempts[0].request.body).toBe(body.toString())
})
