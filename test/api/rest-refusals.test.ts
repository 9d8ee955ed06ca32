import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bundle, openBundle, type Tenant } from '../support/bundle.ts'
import type { Json, Reply } from '../support/client.ts'
import { addEndpoint } from '../support/endpoints.ts'
import {
  deleteWebhook,
  invalidAt,
  jsonOf,
  postWebhook,
  refusedAs,
  webhooksPath,
} from '../support/rest.ts'

const url = 'https://example.com/hook'
const event = 'evaluation.completed'

let bundle: Bundle
let tenant: Tenant

beforeAll(async () => {
  bundle = await openBundle()
  await bundle.operator.mutate('eventTypeCreate', { name: event })
  tenant = await bundle.newTenant()
})

afterAll(() => bundle[Symbol.asyncDispose]())

test.each([
  ['no JSON', '{', refusedAs('INVALID_INPUT', 'Request body is not valid JSON (position 1).')],
  [
    'nothing',
    '',
    refusedAs('INVALID_INPUT', 'Request body is empty; send a JSON object with "url".'),
  ],
  ['a list', [], refusedAs('INVALID_INPUT', 'Request body must be a JSON object with "url".')],
  ['no url', { events: ['*'] }, invalidAt(['url'], 'is required.')],
  [
    'a number as url',
    { url: 1, events: ['*'] },
    invalidAt(['url'], 'must be a string, got number.'),
  ],
  ['no events', { url }, invalidAt(['events'], 'is required.')],
  [
    'an empty list',
    { url, events: [] },
    invalidAt(['events'], 'must name at least one event type, or be ["*"].'),
  ],
  [
    'a text as events',
    { url, events: event },
    invalidAt(['events'], 'must be a list of event types, got string.'),
  ],
  [
    'a null among the events',
    { url, events: ['*', null] },
    invalidAt(['events', '1'], 'must be a string, got null.'),
  ],
  [
    'an unknown event',
    { url, events: ['evaluation.complete'] },
    {
      error: {
        code: 'INVALID_INPUT',
        message: expect.stringContaining('events.0: '),
        issues: [{ path: ['events', '0'], message: expect.stringContaining(event) }],
      },
    },
  ],
  [
    'an unknown field',
    { url, events: ['*'], description: 'x' },
    invalidAt(['description'], 'is not known here. Known: url, events, secret.'),
  ],
  [
    'a short secret',
    { url, events: ['*'], secret: 'short' },
    {
      error: {
        code: 'INVALID_INPUT',
        message: expect.stringMatching(/^secret: /),
        issues: [{ path: ['secret'], message: expect.stringContaining('16') }],
      },
    },
  ],
  [
    'a private address',
    { url: 'http://10.0.0.1/', events: ['*'] },
    {
      error: {
        code: 'URL_NOT_ALLOWED',
        message: expect.stringMatching(/^url: /),
        issues: [{ path: ['url'], message: expect.any(String) }],
      },
    },
  ],
])('refuses %s with 400', async (_name, body, expected) => {
  const reply = await postWebhook(tenant.client, body)

  expect(reply.status).toBe(400)
  expect(jsonOf(reply)).toEqual(expected)
})

test.each([
  [{ url: 'ftp://example.com/', events: ['nope', 'evaluation..x'], secret: 'short' }],
  [{ url: 'http://10.0.0.1/', events: [], secret: 'short' }],
  [{ url: 'http://10.0.0.1/', events: 2, secret: 'short' }],
  [{ url: 1, events: ['nope'], secret: 'short' }],
  [{ url: 1, events: [2], secret: 3 }],
])('everything that is wrong is said at once: %j', async (body) => {
  const reply = await postWebhook(tenant.client, { ...body, name: 'x' })

  const { code, issues } = jsonOf(reply).error
  const fields = new Set(issues.map(({ path }: Json) => path[0]))
  expect([reply.status, code]).toEqual([400, 'INVALID_INPUT'])
  expect(fields).toEqual(new Set(['name', 'url', 'events', 'secret']))
})

test('what is wrong is said up to a bound', async () => {
  const events = Array.from({ length: 500 }, () => 1)
  const reply = await postWebhook(tenant.client, { url, events })

  expect(jsonOf(reply).error.issues).toHaveLength(100)
})

test('nothing refused was stored', async () => {
  expect(jsonOf(await tenant.client.fetch(webhooksPath))).toEqual({ data: [] })
})

test.each(['text/plain', 'application/x-www-form-urlencoded', ''])(
  'refuses a body of type "%s" with 415',
  async (type) => {
    const body = JSON.stringify({ url, events: ['*'] })
    const init = { method: 'POST', headers: { 'content-type': type }, body }

    const reply = await tenant.client.fetch(webhooksPath, init)

    expect(reply.status).toBe(415)
    const message = 'Use Content-Type: application/json, in UTF-8.'
    expect(jsonOf(reply)).toEqual(refusedAs('UNSUPPORTED_MEDIA_TYPE', message))
  },
)

test('a body over the limit is refused with 413', async () => {
  const reply = await postWebhook(tenant.client, 'x'.repeat(1024 * 1024 + 1))

  expect(reply.status).toBe(413)
  const message = 'Request body is over 1048576 bytes.'
  expect(jsonOf(reply)).toEqual(refusedAs('PAYLOAD_TOO_LARGE', message))
})

test.each([
  ['PUT', '', 'GET, POST', 'Use GET or POST.'],
  ['DELETE', '', 'GET, POST', 'Use GET or POST.'],
  ['GET', '/wh_1', 'DELETE', 'Use DELETE.'],
  ['PATCH', '/wh_1', 'DELETE', 'Use DELETE.'],
])('refuses %s of "%s" with 405', async (...[method, rest, allow, message]) => {
  const reply = await tenant.client.fetch(`${webhooksPath}${rest}`, { method })

  expect(reply.status).toBe(405)
  expect(reply.headers.get('allow')).toBe(allow)
  expect(jsonOf(reply)).toEqual(refusedAs('METHOD_NOT_ALLOWED', message))
})

test.each([
  [null, 'Missing API key.'],
  ['pr_nobody', 'Invalid API key.'],
])('refuses the key %s with 401', async (key, message) => {
  const client = bundle.clientOf(key)

  const replies = [
    await client.fetch(webhooksPath),
    await postWebhook(client, {}),
    await deleteWebhook(client, 'x'),
  ]

  for (const reply of replies) {
    expect(reply.status).toBe(401)
    expect(reply.headers.get('www-authenticate')).toBe('Bearer')
    expect(jsonOf(reply)).toEqual(refusedAs('UNAUTHENTICATED', message))
  }
})

test('a key without the scope is refused with 403', async () => {
  const reader = await bundle.newTenant({ scopes: ['READ'] })
  const publisher = await bundle.newTenant({ scopes: ['PUBLISH'] })
  const id = (await addEndpoint(tenant.client)).id

  const replies = [
    await postWebhook(reader.client, { url, events: ['*'] }),
    await deleteWebhook(reader.client, id),
    await publisher.client.fetch(webhooksPath),
  ]

  expect(replies.map(({ status }) => status)).toEqual([403, 403, 403])
  const message = `This key may not use POST ${webhooksPath}; its scopes: READ.`
  expect(jsonOf(replies[0] as Reply)).toEqual(refusedAs('FORBIDDEN', message))
  expect((await reader.client.fetch(webhooksPath)).status).toBe(200)
  expect((await deleteWebhook(tenant.client, id)).status).toBe(204)
})

test('headers over the limit are refused with 431', async () => {
  const { port } = new URL(bundle.url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.on('error', () => {})
  const answered = text(socket)
  socket.write(
    `GET ${webhooksPath} HTTP/1.1\r\nhost: localhost\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`,
  )

  expect(await answered).toMatch(/^HTTP\/1.1 431 /)
})
