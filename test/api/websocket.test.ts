import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serveSockets } from '../../src/api/graphql/websocket.ts'
import { socketsPerKeyMax, subscriptionsPerSocketMax } from '../../src/limits/live.ts'
import { type Bundle, openBeside, openBundle, type Tenant } from '../support/bundle.ts'
import {
  openReadySocket,
  openSocket,
  type RawSocket,
  type SocketOptions,
} from '../support/socket.ts'
import { stillClock } from '../support/time.ts'

let bundle: Bundle
let tenant: Tenant

beforeAll(async () => {
  bundle = await openBundle()
  tenant = await bundle.newTenant()
})

afterAll(() => bundle[Symbol.asyncDispose]())

const query = 'subscription { deliveryChanges { __typename } }'
const withVariable = 'subscription ($f: String!) { deliveryChanges(after: $f) { __typename } }'
const withAfter = 'subscription { deliveryChanges(after: "abc") { __typename } }'
const withWorkspace =
  'subscription { deliveryChanges(workspaceId: "ws_01jd0000000000000000000000") { __typename } }'
const withRange =
  'subscription { deliveryChanges(filter: { lastStatusCode: { min: 5, max: 4 } }) { __typename } }'
const checkpoint = { data: { deliveryChanges: { __typename: 'StreamCheckpoint' } } }
const init = (key: string) => ({
  type: 'connection_init',
  payload: { Authorization: `Bearer ${key}` },
})
const subscribe = (id: string, payload: object = { query }) => ({ type: 'subscribe', id, payload })

const raw = (options?: SocketOptions) => openSocket(bundle.url, options)
const ready = (options?: SocketOptions) => openReadySocket(bundle.url, tenant.key, options)

test('a subscription says at once where it begins', async () => {
  await using socket = await ready()
  socket.send(subscribe('a'))
  expect(await socket.next()).toEqual({ type: 'next', id: 'a', payload: checkpoint })
})

test('a socket that does not say who it is gets closed', async () => {
  await using socket = await raw()
  expect(await socket.closed).toMatchObject({ code: 4408 })
})

test.each([
  ['no key', { type: 'connection_init' }, 'Missing API key.'],
  ['a wrong key', init('pr_nobody'), 'Invalid API key.'],
])('a socket with %s is closed as forbidden', async (_, message, reason) => {
  await using socket = await raw()
  socket.send(message)
  expect(await socket.closed).toEqual({ code: 4403, reason })
})

test('saying who it is twice closes a socket', async () => {
  await using socket = await ready()
  socket.send(init(tenant.key))
  expect(await socket.closed).toMatchObject({ code: 4429 })
})

test.each([
  ['no JSON', 'hello'],
  ['an array', '[]'],
  ['an unknown type', { type: 'start' }],
  ['a numeric id', { type: 'subscribe', id: 1, payload: { query } }],
  ['an empty id', subscribe('')],
  ['a query that is no text', subscribe('a', { query: 1 })],
])('a message that is %s closes the socket', async (_, message) => {
  await using socket = await ready()
  socket.send(message)
  expect(await socket.closed).toMatchObject({ code: 4400 })
})

test('the same id twice closes a socket', async () => {
  await using socket = await ready()
  socket.send(subscribe('a'))
  await socket.next()
  socket.send(subscribe('a'))
  expect(await socket.closed).toMatchObject({ code: 4409 })
})

test.each([
  ['a syntax error', { query: 'subscription {' }, 'GRAPHQL_PARSE_FAILED'],
  ['an unknown field', { query: 'subscription { nothing }' }, 'GRAPHQL_VALIDATION_FAILED'],
  ['a missing variable', { query: withVariable }, 'BAD_USER_INPUT'],
  ['a cursor of nobody', { query: withAfter }, 'BAD_USER_INPUT'],
  ['an empty range', { query: withRange }, 'BAD_USER_INPUT'],
  ['another workspace', { query: withWorkspace }, 'BAD_USER_INPUT'],
  [
    'deep nesting',
    { query: `subscription ${'{a'.repeat(500)}${'}'.repeat(500)}` },
    'QUERY_TOO_COMPLEX',
  ],
])('a subscription with %s fails alone', async (_, payload, code) => {
  await using socket = await ready()
  socket.send(subscribe('good'))
  expect(await socket.next()).toMatchObject({ type: 'next', id: 'good' })
  socket.send(subscribe('bad', payload))
  const message = await socket.next()
  expect(message).toMatchObject({ type: 'error', id: 'bad', payload: [{ extensions: { code } }] })
  expect(await answerOf(socket)).toEqual({ type: 'pong' })
})

test.each(['{ __typename }', 'mutation { __typename }'])(
  'only subscriptions are executed: %s is refused',
  async (other) => {
    await using socket = await ready()
    socket.send(subscribe('a', { query: other }))
    expect(await socket.next()).toMatchObject({
      type: 'error',
      payload: [{ message: expect.stringContaining('Only subscriptions here.') }],
    })
  },
)

test('a binary frame closes the socket', async () => {
  await using socket = await ready()
  socket.send(Buffer.from(JSON.stringify(subscribe('a'))))
  expect(await socket.closed).toMatchObject({ code: 1003 })
})

test('text that is no UTF-8 closes the socket', async () => {
  await using socket = await ready()
  socket.socket.send(Buffer.from([0xff, 0xfe]), { binary: false })
  expect(await socket.closed).toMatchObject({ code: 1007 })
})

test('a message over 64 KiB closes the socket', async () => {
  await using socket = await ready()
  socket.send(subscribe('a', { query: `#${'x'.repeat(70_000)}` }))
  expect(await socket.closed).toMatchObject({ code: 1009 })
})

test('too many messages at once close the socket', async () => {
  await using socket = await ready()
  for (let n = 0; n < 10_000; n++) socket.send({ type: 'ping' })
  await expect(socket.closed).resolves.toMatchObject({ code: 1008 })
})

test('a message in ten thousand parts closes the socket', async () => {
  await using socket = await ready()
  for (let n = 0; n < 10_000; n++) socket.socket.send('x', { fin: false })
  await expect(socket.closed).resolves.toMatchObject({ code: 1008 })
})

test('a ping is answered', async () => {
  await using socket = await ready()
  expect(await answerOf(socket)).toEqual({ type: 'pong' })
})

test('a client that vanishes without a word is let go', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  await using sockets = serveSockets(server, bundle.services)
  const { port } = server.address() as AddressInfo
  await using lively = await openReadySocket(`http://127.0.0.1:${port}`, tenant.key)
  const options = { autoPong: false }
  await using vanished = await openReadySocket(`http://127.0.0.1:${port}`, tenant.key, options)
  const asked = once(lively.socket, 'ping')
  sockets.ping()
  await asked
  expect(await answerOf(lively)).toEqual({ type: 'pong' }) // and before it the answer to the ping
  sockets.ping()
  expect(await vanished.closed).toMatchObject({ code: 1006 })
  expect(await answerOf(lively)).toEqual({ type: 'pong' })
  await sockets[Symbol.asyncDispose]()
  server.close()
})

test('a socket holds a limited number of subscriptions', async () => {
  await using socket = await ready()
  for (let n = 0; n < subscriptionsPerSocketMax; n++) {
    socket.send(subscribe(`good ${n}`))
    expect(await socket.next()).toMatchObject({ type: 'next' })
  }
  socket.send(subscribe('one more'))
  const limit = subscriptionsPerSocketMax
  expect(await socket.next()).toMatchObject({ type: 'error', payload: [{ extensions: { limit } }] })
  socket.send({ type: 'complete', id: 'good 0' })
  socket.send(subscribe('instead'))
  expect(await socket.next()).toMatchObject({ type: 'next', id: 'instead' })
})

test('a key has a limited number of sockets', async () => {
  const { key } = await bundle.newTenant()
  const headers = { Authorization: `Bearer ${key}` }
  await using sockets = new AsyncDisposableStack()
  for (let n = 0; n < socketsPerKeyMax; n++) {
    sockets.use(await openReadySocket(bundle.url, key, { headers }))
  }
  await expect(raw({ headers })).rejects.toThrow('429')
  const late = sockets.use(await raw())
  late.send(init(key))
  expect(await late.closed).toMatchObject({ code: 1013 })
})

test('a socket that closes makes room for another', async () => {
  const { key } = await bundle.newTenant()
  for (let n = 0; n <= socketsPerKeyMax; n++) {
    await using socket = await openReadySocket(bundle.url, key)
    expect(await answerOf(socket)).toEqual({ type: 'pong' })
  }
})

test.each([
  ['another path', { path: '/elsewhere' }, '404'],
  ['a foreign origin', { headers: { Origin: 'https://evil.example' } }, '403'],
])('a socket from %s is refused', async (_, options, status) => {
  await expect(raw(options)).rejects.toThrow(status)
})

test('a page of this origin may open a socket', async () => {
  await using socket = await ready({ headers: { Origin: bundle.url } })
  expect(await answerOf(socket)).toEqual({ type: 'pong' })
})

test('a revoked key loses its sockets everywhere within five seconds', async () => {
  await using other = await openBeside(bundle)
  const { key, keyId } = await bundle.newTenant()
  await using here = await openReadySocket(bundle.url, key)
  await using there = await openReadySocket(other.url, key)
  const revokedAtMs = performance.now()
  await bundle.operator.mutate('apiKeyRevoke', { id: keyId })
  const refused = { code: 4403, reason: 'Invalid API key.' }
  expect(await Promise.all([here.closed, there.closed])).toEqual([refused, refused])
  expect(performance.now() - revokedAtMs).toBeLessThan(5_000)
})

test('a key that expires loses its sockets at once', async () => {
  const clock = stillClock()
  await using own = await openBundle({ clock })
  const { workspaceId } = await own.newTenant()
  const expiresAt = new Date(clock.now().getTime() + 1_500).toISOString()
  const wish = { workspaceId, name: 'brief', scopes: ['READ'], expiresAt }
  const { key } = await own.operator.mutate('apiKeyCreate', wish, 'key')
  await using socket = await openReadySocket(own.url, key)
  const expiredAtMs = performance.now()
  clock.advance(1.5) // and no further: what was read of the key is as good as new
  expect(await socket.closed).toMatchObject({ code: 4403 })
  expect(performance.now() - expiredAtMs).toBeLessThan(2_000)
})

test('keys of many sockets are read anew by one statement', async () => {
  const { services } = bundle
  const others = await Promise.all(Array.from({ length: 3 }, () => bundle.newTenant()))
  const revoked = await bundle.newTenant()
  await bundle.operator.mutate('apiKeyRevoke', { id: revoked.keyId })
  const keys = [...others, revoked].map((each) => `Bearer ${each.key}`)
  await services.callers.refresh(keys)
  const known = await Promise.all(keys.map((key) => services.callers.authenticate(key)))
  expect(known.map(({ ok }) => ok)).toEqual([true, true, true, false])
})

test('a key without the scope may not subscribe', async () => {
  const { key } = await bundle.newTenant({ scopes: ['PUBLISH'] })
  await using socket = await openReadySocket(bundle.url, key)
  socket.send(subscribe('a'))
  expect(await socket.next()).toMatchObject({
    type: 'error',
    payload: [{ extensions: { code: 'FORBIDDEN' } }],
  })
})

test('a service that stops sends its clients elsewhere', async () => {
  const other = await openBundle()
  const { key } = await other.newTenant()
  await using socket = await openReadySocket(other.url, key)
  socket.send(subscribe('a'))
  await socket.next()
  const stopped = other[Symbol.asyncDispose]()
  expect(await socket.closed).toMatchObject({ code: 1012 })
  await stopped
})

/** What a socket that is open and listens says. */
function answerOf(socket: RawSocket) {
  socket.send({ type: 'ping' })
  return socket.next()
}
