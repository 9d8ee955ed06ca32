import { once } from 'node:events'
import { type IncomingMessage, request as httpRequest } from 'node:http'
import { createClient } from 'graphql-sse'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { socketsPerKeyMax } from '../../src/limits/live.ts'
import { type Bundle, openBeside, openBundle } from '../support/bundle.ts'
import { idOf, type LogTenant, newLogTenant } from '../support/log-tenant.ts'
import { openReadySocket } from '../support/socket.ts'
import { type EventStream, openStream, type StreamWish } from '../support/stream.ts'

let bundle: Bundle
let tenant: LogTenant

beforeAll(async () => {
  bundle = await openBundle()
})

beforeEach(async () => {
  tenant = await newLogTenant(bundle)
})

afterAll(() => bundle[Symbol.asyncDispose]())

const query = `subscription ($after: String) {
  deliveryChanges(after: $after) {
    __typename
    ... on DeliveryChange { status delivery { id } }
    ... on StreamCheckpoint { cursor }
  }
}`
const checkpoint = { data: { deliveryChanges: { __typename: 'StreamCheckpoint' } } }

const open = (wish: Partial<StreamWish> = {}) => {
  return openStream(bundle.url, { key: tenant.key, query, ...wish })
}

/** The id of the delivery that the next change is about. */
async function nextDelivery(stream: EventStream): Promise<string> {
  const event = await stream.next()
  return event?.data.data.deliveryChanges.delivery.id
}

const hint = () => bundle.services.hub.changed([tenant.workspace])

test.each(['GET', 'POST'] as const)(
  'a stream asked for by %s shows each change',
  async (method) => {
    await using stream = await open({ method })
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(await stream.next()).toMatchObject({ event: 'next', data: checkpoint })
    const delivery = await tenant.deliver()
    hint()
    expect(await nextDelivery(stream)).toBe(idOf(delivery))
  },
)

test('the common client of the protocol reads it', async () => {
  const client = createClient({
    url: `${bundle.url}/graphql/stream`,
    headers: { authorization: `Bearer ${tenant.key}` },
    retryAttempts: 0,
  })
  const items = client.iterate({ query })
  expect((await items.next()).value).toMatchObject(checkpoint)
  const delivery = await tenant.deliver()
  hint()
  const { value } = await items.next()
  expect(value).toMatchObject({ data: { deliveryChanges: { delivery: { id: idOf(delivery) } } } })
  await items.return?.()
  client.dispose()
})

test('a stream goes on behind the last event its client names', async () => {
  const made = [await tenant.deliver(), await tenant.deliver(), await tenant.deliver()].map(idOf)
  const { deliveries } = await tenant.client.ask('{ deliveries(first: 1) { streamCursor } }')
  made.push(idOf(await tenant.deliver()), idOf(await tenant.deliver()))
  const variables = { after: deliveries.streamCursor }
  await using stream = await open({ variables })
  await stream.next()
  let last = await stream.next()
  // Another transaction was open while the page was read, so it may begin a little earlier.
  while (last?.data.data.deliveryChanges.delivery.id !== made[3]) last = await stream.next()
  const headers = { 'last-event-id': String(last?.id) }
  await using later = await open({ variables, headers, method: 'GET' })
  expect(await later.next()).toMatchObject({ data: checkpoint, id: last?.id })
  expect(await nextDelivery(later)).toBe(made[4])
})

test.each([
  ['no key', { headers: { authorization: '' } }, 401],
  ['a wrong key', { key: 'pr_nobody' }, 401],
  ['another type wanted', { headers: { accept: 'application/json' } }, 406],
  ['a form', { headers: { 'content-type': 'text/plain' } }, 415],
  ['no query', { query: '' }, 400],
  ['a query too long', { query: `{ ${'a '.repeat(10_000)} }` }, 400],
])('a stream with %s is refused', async (_, wish, status) => {
  await using stream = await open(wish)
  expect(stream.response.status).toBe(status)
  expect(await stream.response.json()).toMatchObject({
    errors: [{ extensions: { requestId: stream.response.headers.get('x-request-id') } }],
  })
})

test.each([
  ['a syntax error', { query: 'subscription {' }, 'GRAPHQL_PARSE_FAILED'],
  ['a query', { query: '{ __typename }' }, 'BAD_USER_INPUT'],
  ['an unknown field', { query: 'subscription { nothing }' }, 'GRAPHQL_VALIDATION_FAILED'],
  ['a cursor of nobody', { variables: { after: 'abc' } }, 'BAD_USER_INPUT'],
  ['an event id of nobody', { headers: { 'last-event-id': 'abc' } }, 'BAD_USER_INPUT'],
  [
    'deep nesting',
    { query: `subscription ${'{a'.repeat(500)}${'}'.repeat(500)}` },
    'QUERY_TOO_COMPLEX',
  ],
])('a stream of %s says so and is complete', async (_, wish, code) => {
  await using stream = await open(wish)
  expect(await stream.next()).toMatchObject({
    event: 'next',
    data: { errors: [{ extensions: { code } }] },
  })
  expect(await stream.next()).toMatchObject({ event: 'complete' })
  expect(await stream.next()).toBeUndefined()
})

test('streams count with the sockets of their key', async () => {
  await using all = new AsyncDisposableStack()
  all.use(await openReadySocket(bundle.url, tenant.key))
  for (let n = 1; n < socketsPerKeyMax; n++) all.use(await open())
  await using refused = await open()
  expect(refused.response.status).toBe(429)
})

test('a stream that is left makes room for another', async () => {
  for (let n = 0; n <= socketsPerKeyMax; n++) {
    await using stream = await open()
    expect(await stream.next()).toMatchObject({ data: checkpoint })
  }
})

test('a revoked key loses its streams everywhere within five seconds', async () => {
  await using other = await openBeside(bundle)
  await using here = await open()
  await using there = await openStream(other.url, { key: tenant.key, query })
  await Promise.all([here.next(), there.next()])
  const revokedAtMs = performance.now()
  const { viewer } = await tenant.client.ask('{ viewer { apiKey { id } } }')
  await bundle.operator.mutate('apiKeyRevoke', { id: viewer.apiKey.id })
  for (const stream of [here, there]) {
    expect(await stream.next()).toMatchObject({
      data: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    })
    expect(await stream.next()).toMatchObject({ event: 'complete' })
    expect(await stream.next()).toBeUndefined()
  }
  expect(performance.now() - revokedAtMs).toBeLessThan(5_000)
})

test('a service that stops ends its streams without a last word', async () => {
  const other = await openBeside(bundle)
  await using stream = await openStream(other.url, { key: tenant.key, query })
  await stream.next()
  const stopped = other[Symbol.asyncDispose]()
  expect(await stream.next()).toBeUndefined()
  await stopped
})

test('a stream that is asked for while the service stops ends at once', async () => {
  const other = await openBeside(bundle)
  const asking = httpRequest(`${other.url}/graphql/stream`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${tenant.key}`,
      'content-type': 'application/json',
      expect: '100-continue',
    },
  })
  asking.flushHeaders()
  await once(asking, 'continue')
  await other.clientOf(tenant.key).ask('{ viewer { scopes } }') // it was let in before
  const stopped = other[Symbol.asyncDispose]()
  asking.end(JSON.stringify({ query }))
  const [answer] = (await once(asking, 'response')) as [IncomingMessage]
  expect(answer.statusCode).toBe(200)
  await once(answer.resume(), 'end')
  await stopped
})
