import { createHash, createHmac } from 'node:crypto'
import { verify } from '@octokit/webhooks-methods'
import * as fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { Stripe } from 'stripe'
import { describe, expect, test } from 'vitest'
import { generateSecret } from '../../src/rules/secret-format.ts'
import { prepareSigner, signedRequest } from '../../src/rules/signature.ts'
import type { RequestParts, Secret, SignedRequest } from '../../src/rules/signature.ts'
import { wireFormatNames } from '../../src/rules/wire-formats.ts'
import type { WireFormat } from '../../src/rules/wire-formats.ts'
import vectors from './signatures.json' with { type: 'json' }

const eventId = 'evt_01h455vb4pex5vsknk084sn02q'
const deliveryId = 'dlv_01h455vb4pex5vsknk084sn03r'
const nowSeconds = Math.floor(Date.now() / 1000)
const anyPayload = fc.json({ stringUnit: 'binary' }).filter((text) => text.isWellFormed())

type Given = Partial<Omit<RequestParts, 'signer' | 'payload'>> & {
  secrets?: readonly Secret[]
  payloadText?: string
}

type Made = Pick<SignedRequest, 'headers'> & { body: string }

function request(
  format: WireFormat,
  { secrets, payloadText = '{"a":1}', ...given }: Given = {},
): Made {
  const known = [{ secret: 'a secret everybody may read', expiresAt: null }]
  const { headers, body } = signedRequest({
    signer: prepareSigner(format, secrets ?? known),
    customHeaders: [],
    eventType: 'invoice.paid',
    eventId,
    deliveryId,
    payload: Buffer.from(payloadText),
    unixSeconds: nowSeconds,
    userAgent: 'Postrider/test',
    ...given,
  })
  return { headers, body: body.toString() }
}

function header({ headers }: Made, name: string): string {
  const [line, ...others] = headers.filter((each) => each[0] === name)
  if (!line || others.length > 0) throw new Error(`${name} is sent ${others.length} times.`)
  return line[1]
}

const current = (secret: string): Secret => ({ secret, expiresAt: null })
const old = (secret: string, expiresAt: Date): Secret => ({ secret, expiresAt })

describe('vectors', () => {
  test.each(vectors)('are reproduced exactly: $format $secret', (vector) => {
    const format = vector.format as WireFormat
    const unixSeconds = vector.timestamp ?? requestTimeOf(vector.body)
    const made = request(format, {
      secrets: [current(vector.secret)],
      payloadText: payloadOf(format, vector.body),
      unixSeconds,
      ...(vector.id && { eventId: vector.id }),
      ...(vector.eventType && { eventType: vector.eventType }),
    })
    expect(made.body).toBe(vector.body)
    const expected = Object.entries(vector.headers)
    expect(made.headers.filter(([name]) => name in vector.headers)).toEqual(expected)
  })

  function requestTimeOf(body: string): number {
    return Number(/"_request_time":(\d+)\}$/.exec(body)?.[1] ?? nowSeconds)
  }

  function payloadOf(format: WireFormat, body: string): string {
    if (format !== 'TUTORCRUNCHER') return body
    return body.slice('{"events":['.length, body.lastIndexOf(']'))
  }
})

describe("a receiver's own verification accepts", () => {
  const whsec = generateSecret()

  test('STANDARD_WEBHOOKS with any payload', () => {
    fc.assert(
      fc.property(anyPayload, (payloadText) => {
        const made = request('STANDARD_WEBHOOKS', { secrets: [current(whsec)], payloadText })
        const verified = new Webhook(whsec).verify(made.body, Object.fromEntries(made.headers))
        expect(verified).toEqual(JSON.parse(payloadText))
      }),
    )
  })

  test('GITHUB with any payload', async () => {
    const check = fc.asyncProperty(anyPayload, async (payloadText) => {
      const made = request('GITHUB', { secrets: [current(whsec)], payloadText })
      const verified = await verify(whsec, made.body, header(made, 'X-Hub-Signature-256'))
      expect(verified).toBe(true)
    })
    await fc.assert(check)
  })

  test('STRIPE with any payload', () => {
    const { webhooks } = new Stripe('sk_test_none')
    fc.assert(
      fc.property(anyPayload, (value) => {
        const payloadText = `{"object":"event","payload":${value}}`
        const made = request('STRIPE', { secrets: [current(whsec)], payloadText })
        const signature = header(made, 'Stripe-Signature')
        const event: unknown = webhooks.constructEvent(made.body, signature, whsec)
        expect(event).toEqual(JSON.parse(payloadText))
      }),
    )
  })

  test('TUTORCRUNCHER: hex HMAC of the raw body', () => {
    const made = request('TUTORCRUNCHER', { secrets: [current(whsec)], payloadText: '{"é":1.10}' })
    const expected = createHmac('sha256', whsec).update(Buffer.from(made.body)).digest('hex')
    expect(header(made, 'Webhook-Signature')).toBe(expected)
  })

  test('TRUTAC: sha1= and the hex HMAC', () => {
    const made = request('TRUTAC', { secrets: [current(whsec)] })
    const expected = createHmac('sha1', whsec).update(made.body).digest('hex')
    expect(header(made, 'TT-Hook-Signature')).toBe(`sha1=${expected}`)
  })

  test('TUTORFLOW: the key is the hash in hex', () => {
    const made = request('TUTORFLOW', { secrets: [current(whsec)] })
    const key = createHash('sha256').update(whsec, 'utf8').digest('hex')
    const expected = createHmac('sha256', key).update(made.body).digest('hex')
    expect(header(made, 'X-Platform-Signature')).toBe(expected)
  })
})

describe('while a secret is rotated', () => {
  const [first, second, third] = [generateSecret(), generateSecret(), generateSecret()]
  const at = (seconds: number) => new Date((nowSeconds + seconds) * 1000)
  const secrets = [current(third), old(second, at(60)), old(first, at(30))]

  test('all live secrets sign STANDARD_WEBHOOKS, the current one first', () => {
    const made = request('STANDARD_WEBHOOKS', { secrets })
    for (const secret of [first, second, third]) {
      new Webhook(secret).verify(made.body, Object.fromEntries(made.headers))
    }
    const alone = request('STANDARD_WEBHOOKS', { secrets: [current(third)] })
    const [leading] = header(made, 'webhook-signature').split(' ')
    expect(leading).toBe(header(alone, 'webhook-signature'))
  })

  test('all live secrets sign STRIPE', () => {
    const made = request('STRIPE', { secrets })
    const { webhooks } = new Stripe('sk_test_none')
    for (const secret of [first, second, third]) {
      webhooks.constructEvent(made.body, header(made, 'Stripe-Signature'), secret)
    }
    expect(header(made, 'Stripe-Signature')).toMatch(/^t=\d+(,v1=[\da-f]{64}){3}$/)
  })

  test.each([
    ['the oldest', 0, first],
    ['the oldest until its last second', 29, first],
    ['the next once that has expired', 30, second],
    ['the current one in the end', 60, third],
  ])('one alone signs GITHUB: %s', (_, seconds, signing) => {
    const made = request('GITHUB', { secrets, unixSeconds: nowSeconds + seconds })
    const alone = request('GITHUB', { secrets: [current(signing)] })
    expect(header(made, 'X-Hub-Signature-256')).toBe(header(alone, 'X-Hub-Signature-256'))
  })

  test('an expired secret no longer signs STANDARD_WEBHOOKS', () => {
    const made = request('STANDARD_WEBHOOKS', { secrets, unixSeconds: nowSeconds + 30 })
    expect(header(made, 'webhook-signature').split(' ')).toHaveLength(2)
  })
})

describe('a request', () => {
  test('sends custom headers first, then common, then the format’s', () => {
    const customHeaders = [['X-Tenant', 'acme']] as const
    const made = request('TRUTAC', { customHeaders })
    expect(made.headers).toEqual([
      ['X-Tenant', 'acme'],
      ['content-type', 'application/json'],
      ['user-agent', 'Postrider/test'],
      ['TT-Hook-Delivery', deliveryId],
      ['TT-Hook-Signature', expect.any(String)],
      ['TT-Hook-Event', 'invoice.paid'],
    ])
  })

  test.each([
    ['STANDARD_WEBHOOKS', 'webhook-id', eventId],
    ['STANDARD_WEBHOOKS', 'webhook-timestamp', String(nowSeconds)],
    ['TUTORCRUNCHER', 'Webhook-Id', eventId],
    ['TUTORFLOW', 'X-Platform-Delivery', deliveryId],
    ['TUTORFLOW', 'X-Platform-Event', 'invoice.paid'],
    ['GITHUB', 'X-GitHub-Delivery', deliveryId],
    ['GITHUB', 'X-GitHub-Event', 'invoice.paid'],
  ] as const)('carries in %s the header %s', (format, name, value) => {
    expect(header(request(format, { secrets: [current(generateSecret())] }), name)).toBe(value)
  })

  test.each(wireFormatNames)('has the published bytes in its body: %s', (format) => {
    const payloadText = ' { "a" : 1.10, "a":"\\u00e9é\\/", "n":12345678901234567890 } '
    const made = request(format, { secrets: [current(generateSecret())], payloadText })
    const wrapped = `{"events":[${payloadText}],"_request_time":${nowSeconds}}`
    expect(made.body).toBe(format === 'TUTORCRUNCHER' ? wrapped : payloadText)
  })

  test('is not signed with a secret its format cannot decode', () => {
    for (const secret of ['a secret everybody may read', 'whsec_']) {
      const prepare = () => prepareSigner('STANDARD_WEBHOOKS', [current(secret)])
      expect(prepare).toThrow('not of the form')
    }
    expect(() => prepareSigner('GITHUB', [])).toThrow('without a secret')
  })
})
