import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { type Database, openDatabase } from '../../src/db.ts'
import { comparePositions } from '../../src/feed/change.ts'
import { type Hub, openHub } from '../../src/feed/hub.ts'
import type { FeedItem, Subscriber } from '../../src/feed/subscriber.ts'
import { subscriberQueueMax } from '../../src/limits/live.ts'
import { newUuid } from '../../src/rules/id.ts'
import type { ChangePosition } from '../../src/store/change.ts'
import { anyDelivery } from '../../src/store/delivery-filter.ts'
import { type FreshDatabase, freshDatabase } from '../support/database.ts'
import { logRows } from '../support/log-rows.ts'

let resources: AsyncDisposableStack
let fresh: FreshDatabase
let database: Database
let rows: ReturnType<typeof logRows>
let workspaceId: string
let endpointId: string

beforeEach(async () => {
  resources = new AsyncDisposableStack()
  fresh = resources.use(await freshDatabase())
  database = resources.use(await openDatabase(fresh.url))
  rows = logRows(database)
  workspaceId = await rows.addWorkspace()
  endpointId = await rows.addEndpoint(workspaceId)
})

afterEach(() => resources.disposeAsync())

const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' })
const dayMs = 86_400_000

test('a subscriber gets changes in the order of their commits', async () => {
  const hub = start()
  const subscriber = await subscribe(hub)
  const first = await publish(hub)
  await rows.attempt(first, { result: 'HTTP_ERROR', statusCode: 500 })
  await rows.attempt(first, { result: 'SUCCEEDED', statusCode: 200 })
  hub.changed([workspaceId])
  expect(await statuses(subscriber, 3)).toEqual(['PENDING', 'RETRYING', 'SUCCEEDED'])
})

test('a change that commits late is neither lost nor out of order', async () => {
  const hub = start({ checkpointEveryMs: 20 })
  const subscriber = await subscribe(hub)
  const late = await publish(hub)
  expect(await deliveries(subscriber, 1)).toEqual([late.deliveryId])
  const client = await database.pool.connect()
  await client.query('begin')
  await insertChange(client, late.deliveryId)
  const prompt = await publish(hub)
  // Long enough for the feed to be read many times.
  for (let n = 0; n < 10; n++) expect(await take(subscriber)).toMatchObject({ kind: 'CHECKPOINT' })
  await client.query('commit')
  client.release()
  expect(await deliveries(subscriber, 2)).toEqual([late.deliveryId, prompt.deliveryId])
})

test('a cursor goes on within the changes of one transaction', async () => {
  const endpointIds = [endpointId, await rows.addEndpoint(workspaceId)]
  const hub = start()
  const before = await endOf(hub)
  const created = await rows.publish({ workspaceId, endpointIds })
  const first = await changes(await subscribe(hub, { after: before }), 1)
  const rest = await subscribe(hub, { after: first[0]?.position ?? null })
  const ids = [first[0]?.deliveryId, ...(await deliveries(rest, 1))]
  expect(new Set(ids)).toEqual(new Set(created.map((delivery) => delivery.deliveryId)))
})

test('a subscriber that does not keep up misses nothing', async () => {
  const hub = start()
  const subscriber = await subscribe(hub)
  const quick = await subscribe(hub)
  const endpointIds = await Promise.all(Array.from({ length: 50 }, addEndpoint))
  const created: string[] = []
  while (created.length < subscriberQueueMax + 300) {
    const some = await rows.publish({ workspaceId, endpointIds })
    created.push(...some.map((delivery) => delivery.deliveryId))
    hub.changed([workspaceId])
  }
  // When one has heard them all, so has the other.
  await changes(quick, created.length)
  const last = await publish(hub)
  const seen = await deliveries(subscriber, created.length + 1)
  expect(seen).toHaveLength(created.length + 1)
  expect(new Set(seen)).toEqual(new Set([...created, last.deliveryId]))
  expect(seen.at(-1)).toBe(last.deliveryId)
})

test('a subscriber hears nothing of another workspace', async () => {
  const other = await rows.addWorkspace()
  const hub = start()
  const subscriber = await subscribe(hub)
  await rows.publish({ workspaceId: other, endpointIds: [await rows.addEndpoint(other)] })
  hub.changed([other])
  const own = await publish(hub)
  expect(await deliveries(subscriber, 1)).toEqual([own.deliveryId])
})

test('a filter on results sees the attempt of the change', async () => {
  const hub = start()
  const filter = { ...anyDelivery, lastResults: ['HTTP_ERROR' as const], lastStatusCodeMin: 500 }
  const subscriber = await subscribe(hub, { filter })
  const delivery = await publish(hub)
  await rows.attempt(delivery, { result: 'HTTP_ERROR', statusCode: 404 })
  await rows.attempt(delivery, { result: 'HTTP_ERROR', statusCode: 503 })
  await rows.attempt(delivery, { result: 'SUCCEEDED', statusCode: 200 })
  hub.changed([workspaceId])
  const [change] = await changes(subscriber, 1)
  expect(change?.attempt).toMatchObject({ number: 2, statusCode: 503 })
  expect(change?.delivery.status).toBe('SUCCEEDED')
})

test('checkpoints move past changes that were filtered out', async () => {
  const hub = start({ checkpointEveryMs: 50 })
  const filter = { ...anyDelivery, eventTypes: ['no.such'] }
  const subscriber = hub.subscribe({ workspaceId, after: null, filter, withAttempts: false })
  let last = await take(subscriber)
  const witness = await subscribe(hub)
  const delivery = await publish(hub)
  const [published] = await changes(witness, 1)
  const isBehind = () => published && comparePositions(positionOf(last), published.position) < 0
  while (isBehind()) last = await take(subscriber)
  const after = await subscribe(hub, { after: positionOf(last) })
  await rows.attempt(delivery, { result: 'SUCCEEDED', statusCode: 200 })
  hub.changed([workspaceId])
  expect(await statuses(after, 1)).toEqual(['SUCCEEDED'])
})

test('a cursor older than the retention is reset to now', async () => {
  let now = new Date()
  const hub = start({ clock: { now: () => now } })
  const old = await endOf(hub)
  now = new Date(now.getTime() + 31 * dayMs)
  const item = await take(
    hub.subscribe({ workspaceId, after: old, filter: anyDelivery, withAttempts: true }),
  )
  expect(item).toMatchObject({ kind: 'RESET', reason: expect.stringContaining('30 days') })
})

test('a cursor ahead of the database is reset to now', async () => {
  const hub = start()
  const end = await endOf(hub)
  const ahead = { ...end, xid: end.xid + 1_000_000n }
  const subscriber = hub.subscribe({
    workspaceId,
    after: ahead,
    filter: anyDelivery,
    withAttempts: true,
  })
  expect(await take(subscriber)).toMatchObject({ kind: 'RESET' })
  const delivery = await publish(hub)
  expect(await deliveries(subscriber, 1)).toEqual([delivery.deliveryId])
})

test('a subscriber that leaves ends its wait', async () => {
  const hub = start()
  const subscriber = await subscribe(hub)
  const waiting = subscriber.next()
  await subscriber.return()
  expect(await waiting).toEqual({ done: true, value: undefined })
})

test('a subscriber outlives the loss of every database connection', async () => {
  const hub = start()
  const subscriber = await subscribe(hub)
  await database.pool
    .query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`,
    )
    .catch(() => {})
  const delivery = await publish(hub)
  expect(await deliveries(subscriber, 1)).toEqual([delivery.deliveryId])
})

test('changes of another process arrive without a poke here', async () => {
  await using elsewhere = await openDatabase(fresh.url)
  const subscriber = await subscribe(start())
  const hub = resources.use(
    openHub({ database: elsewhere, clock: systemClock, log, retentionDays: 30 }),
  )
  const delivery = await publish(hub)
  expect(await deliveries(subscriber, 1)).toEqual([delivery.deliveryId])
})

function start({ clock = systemClock, checkpointEveryMs = 60_000 }: StartOptions = {}): Hub {
  return resources.use(openHub({ database, clock, log, retentionDays: 30, checkpointEveryMs }))
}

type StartOptions = { readonly clock?: Clock; readonly checkpointEveryMs?: number }

/** Subscribed and past the first checkpoint. */
async function subscribe(hub: Hub, wish: Partial<Parameters<Hub['subscribe']>[0]> = {}) {
  const subscriber = hub.subscribe({
    workspaceId,
    after: null,
    filter: anyDelivery,
    withAttempts: true,
    ...wish,
  })
  expect(await take(subscriber)).toMatchObject({ kind: 'CHECKPOINT' })
  return subscriber
}

async function endOf(hub: Hub): Promise<ChangePosition> {
  const subscriber = hub.subscribe({
    workspaceId,
    after: null,
    filter: anyDelivery,
    withAttempts: true,
  })
  const item = await take(subscriber)
  await subscriber.return()
  return positionOf(item)
}

function positionOf(item: FeedItem): ChangePosition {
  return item.kind === 'CHANGE' ? item.change.position : item.position
}

async function take(subscriber: Subscriber): Promise<FeedItem> {
  const { value } = await subscriber.next()
  if (!value) throw new Error('The feed has ended.')
  return value
}

async function changes(subscriber: Subscriber, count: number) {
  const found = []
  while (found.length < count) {
    const item = await take(subscriber)
    if (item.kind === 'CHANGE') found.push(item.change)
  }
  return found
}

async function deliveries(subscriber: Subscriber, count: number): Promise<string[]> {
  return (await changes(subscriber, count)).map((change) => change.deliveryId)
}

async function statuses(subscriber: Subscriber, count: number): Promise<string[]> {
  return (await changes(subscriber, count)).map((change) => change.status)
}

async function publish(hub: Hub) {
  const [delivery] = await rows.publish({ workspaceId, endpointIds: [endpointId] })
  if (!delivery) throw new Error('Nothing was published.')
  hub.changed([workspaceId])
  return delivery
}

function addEndpoint(): Promise<string> {
  return rows.addEndpoint(workspaceId)
}

async function insertChange(client: { query: Database['pool']['query'] }, deliveryId: string) {
  await client.query(
    `insert into change
      (id, workspace_id, changed_at, delivery_ids, statuses, previous_statuses, attempt_numbers)
      values ($1, $2, now(), array[$3::uuid], '{CANCELED}', '{PENDING}', '{0}')`,
    [newUuid(Date.now()), workspaceId, deliveryId],
  )
}
