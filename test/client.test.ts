import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { buildSchema, parse, validate } from 'graphql'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { feedQuery, type FeedItem } from '../src/client/feed-item.ts'
import {
  followDeliveries,
  type FollowOptions,
  type Retry,
} from '../src/client/follow-deliveries.ts'
import { openVisit } from '../src/client/visit.ts'
import { type Bundle, openBeside, openBundle } from './support/bundle.ts'
import { idOf, type LogTenant, newLogTenant } from './support/log-tenant.ts'

let bundle: Bundle
let tenant: LogTenant

beforeAll(async () => {
  bundle = await openBundle()
})

beforeEach(async () => {
  tenant = await newLogTenant(bundle)
})

afterAll(() => bundle[Symbol.asyncDispose]())

const open = () => ({ url: `${bundle.url}/graphql`, key: tenant.key })

async function endOfFeed(): Promise<string> {
  const { deliveries } = await tenant.client.ask('{ deliveries(first: 1) { streamCursor } }')
  return deliveries.streamCursor
}

/** The deliveries of the next changes. */
async function take(items: AsyncGenerator<FeedItem, void>, count: number): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count) {
    const { value } = await items.next()
    if (value?.kind !== 'DeliveryChange') throw new Error(JSON.stringify(value))
    ids.push(value.delivery.id)
  }
  return ids
}

test('the client asks for what the schema has', () => {
  const schema = buildSchema(readFileSync('schema.graphql', 'utf8'))
  expect(validate(schema, parse(feedQuery))).toEqual([])
})

test('a change has all that its type says', async () => {
  const after = await endOfFeed()
  const delivery = await tenant.deliver()
  await tenant.rows.attempt(delivery, { result: 'HTTP_ERROR', statusCode: 500 })
  const items = followDeliveries({ ...open(), after, filter: { statuses: ['RETRYING'] } })
  const { value } = await items.next()
  expect(value).toMatchObject({
    status: 'RETRYING',
    previousStatus: 'PENDING',
    changedAt: expect.any(String),
    delivery: { id: idOf(delivery), endpoint: { id: expect.stringMatching(/^wh_/) } },
    attempt: { number: 1, result: 'HTTP_ERROR' },
  })
  await items.return()
})

test('a service that ends and comes back is followed without a gap', async () => {
  const first = await openBeside(bundle)
  const { port } = new URL(first.url)
  const after = await endOfFeed()
  const made = [idOf(await tenant.deliver())]
  const url = `${first.url}/graphql`
  const items = followDeliveries({ url, key: tenant.key, after })
  expect(await take(items, 1)).toEqual(made)
  await first[Symbol.asyncDispose]()
  made.push(idOf(await tenant.deliver()))
  await using _second = await openBeside(bundle, { port: Number(port) })
  expect(await take(items, 1)).toEqual(made.slice(1))
  await items.return()
})

test('a change counts as seen when the next is asked for', async () => {
  const after = await endOfFeed()
  const made = [idOf(await tenant.deliver()), idOf(await tenant.deliver())]
  const cursors: string[] = []
  const onCursor = (cursor: string) => cursors.push(cursor)
  const items = followDeliveries({ ...open(), after, onCursor })
  await take(items, 2)
  const last = cursors.at(-1) ?? ''
  await items.return()
  const again = followDeliveries({ ...open(), after: last })
  expect(await take(again, 1)).toEqual(made.slice(1))
  await again.return()
})

test.each([
  ['a wrong key', () => ({ key: 'pr_nobody' }), 'Invalid API key. (4403)'],
  ['a cursor of nobody', () => ({ after: 'abc' }), 'after: not a valid cursor.'],
])('following with %s ends with an error', async (_, wrong, message) => {
  const items = followDeliveries({ ...open(), ...wrong() })
  await expect(items.next()).rejects.toThrow(message)
})

test('a key that is revoked ends the following', async () => {
  const items = followDeliveries(open())
  const next = items.next()
  await bundle.operator.mutate('apiKeyRevoke', { id: tenant.keyId })
  await expect(next).rejects.toMatchObject({ name: 'FeedRefused', code: 4403 })
})

/** Follows until it was told of so many retries. */
async function retriesOf(count: number, options: FollowOptions): Promise<readonly Retry[]> {
  const aborting = new AbortController()
  const told: Retry[] = []
  const onRetry = (retry: Retry) => {
    if (told.push(retry) === count) aborting.abort()
  }
  const items = followDeliveries({ ...options, onRetry, signal: aborting.signal })
  expect(await items.next()).toEqual({ done: true, value: undefined })
  return told
}

test('a follower is told of a rate limit', async () => {
  const clock = { now: () => new Date('2026-03-19T10:00:15.000Z') }
  await using limited = await openBundle({ clock, config: { apiRateLimit: 1 } })
  const { client, key } = await limited.newTenant()
  await client.ask('{ __typename }')
  const told = await retriesOf(2, { url: `${limited.url}/graphql`, key })
  const reason = 'Rate limit of 1 requests a minute for this key. Try again in 45 s.'
  const waitMs = expect.any(Number)
  expect(told).toEqual([
    { reason, failures: 1, waitMs },
    { reason, failures: 2, waitMs },
  ])
})

test.each([
  ['nobody listens', 'http://127.0.0.1:1/graphql', 'ECONNREFUSED'],
  ['the feed is elsewhere', '', '404'],
])('a follower is told that %s', async (_, url, reason) => {
  const wrong = { ...open(), url: url || `${bundle.url}/elsewhere`, webSocketImpl: WebSocket }
  const [retry] = await retriesOf(1, wrong)
  expect(retry?.reason).toContain(reason)
})

test('a signal ends the following while it connects', async () => {
  const silent = createServer().listen(0)
  const aborting = new AbortController()
  silent.once('connection', () => aborting.abort())
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/graphql`
  const { signal } = aborting
  const items = followDeliveries({ url, key: tenant.key, webSocketImpl: WebSocket, signal })
  expect(await items.next()).toEqual({ done: true, value: undefined })
  silent.close()
})

test('a signal ends the following without an error', async () => {
  const aborting = new AbortController()
  const items = followDeliveries({
    ...open(),
    signal: aborting.signal,
    onCursor: () => aborting.abort(),
  })
  expect(await items.next()).toEqual({ done: true, value: undefined })
})

test('who reads slowly hangs up, and goes on later', async () => {
  const after = await endOfFeed()
  const hundred = Array.from({ length: 100 }, () => tenant.rows.addEndpoint(tenant.workspace))
  const wish = { workspaceId: tenant.workspace, endpointIds: await Promise.all(hundred) }
  const made: string[] = []
  while (made.length < 1_100) made.push(...(await tenant.rows.publish(wish)).map(idOf))
  const visit = openVisit({ ...open(), filter: { statuses: ['PENDING'] } }, after)
  const first = await visit.next()
  // Nothing more is read, and the connection ends by itself: 1,000 items wait at most.
  await visit.ended
  let waiting = 0
  while (await visit.next()) waiting += 1
  expect(first?.kind).toBe('StreamCheckpoint')
  expect(waiting).toBeLessThan(made.length)
  const items = followDeliveries({ ...open(), after })
  expect(new Set(await take(items, made.length))).toEqual(new Set(made))
  await items.return()
})
