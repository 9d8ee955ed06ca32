import { expect, test } from 'vitest'
import { openBeside, openBundle } from '../support/bundle.ts'
import type { Json } from '../support/client.ts'
import { heldBytes } from '../support/held-bytes.ts'
import { newLogTenant } from '../support/log-tenant.ts'
import { eventType, startPlatform } from '../support/platform.ts'
import { startReceiver } from '../support/receiver.ts'
import { openReadySocket } from '../support/socket.ts'

const feed = (fields: string) => `subscription ($after: String!) {
  deliveryChanges(after: $after) {
    ... on DeliveryChange { cursor ${fields} }
    ... on StreamCheckpoint { cursor }
  }
}`

type Seen = { readonly cursor: string; readonly of: string; readonly status: string }

/** Each event goes to two endpoints; each of two programs publishes five at a time. */
const deliveries = 200

type Visitor = {
  readonly urls: readonly string[]
  readonly key: string
  readonly from: string
  readonly step: number
  readonly left: () => void
}

/** Follows the feed through one break after another, each time at another of the programs. */
async function comeAndGo({ urls, key, from, step, left }: Visitor): Promise<Seen[]> {
  const query = feed('status delivery { id }')
  const seen = new Map<string, Seen>()
  const arrived = new Set<string>()
  let after = from
  // Nothing comes of a delivery after it has arrived, so the last of all is an arrival.
  for (let visit = 0; arrived.size < deliveries; visit++) {
    await using socket = await openReadySocket(urls[visit % urls.length] ?? '', key)
    socket.send({ type: 'subscribe', id: 'feed', payload: { query, variables: { after } } })
    // It stays for one change, or two, or up to seven.
    const stay = 1 + ((visit * step) % 7)
    for (let count = 0; count < stay && arrived.size < deliveries;) {
      const { deliveryChanges: item } = (await socket.next()).payload.data
      after = item.cursor
      if (!item.delivery) continue
      count += 1
      seen.set(item.cursor, { cursor: item.cursor, of: item.delivery.id, status: item.status })
      if (item.status === 'SUCCEEDED') arrived.add(item.delivery.id)
    }
    left()
  }
  return [...seen.values()]
}

test('whoever comes and goes sees all in one order', async () => {
  await using receiver = await startReceiver((_, index) => (index % 4 === 0 ? 500 : 200))
  await using platform = await startPlatform()
  await using other = await openBeside(platform.bundle)
  const { key } = platform.tenant
  const retrySchedule = Array.from({ length: 20 }, () => 0)
  await platform.addEndpoint(receiver.url, { retrySchedule })
  await platform.addEndpoint(receiver.url, { retrySchedule })
  const page = await platform.client.ask('{ deliveries(first: 1) { streamCursor } }')
  let breaks = 0
  const visitors = [1, 2, 3, 4].map((step) => {
    const urls =
      step % 2 === 0 ? [platform.bundle.url, other.url] : [other.url, platform.bundle.url]
    const left = () => void (breaks += 1)
    return comeAndGo({ urls, key, from: page.deliveries.streamCursor, step, left })
  })
  // Both programs write, and both deliver what either was given.
  const writers = [platform.client, other.clientOf(key)].map(async (client) => {
    for (let n = 0; n < deliveries / 20; n++) {
      const events = Array.from({ length: 5 }, () => ({ eventType, payloadText: '{}' }))
      await client.mutate('eventPublishBatch', { events })
    }
  })
  await Promise.all(writers)
  const [first, ...others] = await Promise.all(visitors)
  const stored = await platform.bundle.database.pool.query<{ count: number }>(
    'select sum(cardinality(delivery_ids))::int as count from change',
  )
  expect(first).toHaveLength(stored.rows[0]?.count ?? 0)
  for (const each of others) expect(each).toEqual(first)
  expect(breaks).toBeGreaterThan(300)
}, 60_000)

const changes = 3_000
const payloadBytes = 16 * 1024

test('a client that reads nothing costs no memory', async () => {
  await using bundle = await openBundle()
  const tenant = await newLogTenant(bundle)
  const hundred = Array.from({ length: 100 }, () => tenant.rows.addEndpoint(tenant.workspace))
  const endpointIds = await Promise.all(hundred)
  const page = await tenant.client.ask('{ deliveries(first: 1) { streamCursor } }')
  await using socket = await openReadySocket(bundle.url, tenant.key)
  const query = feed('delivery { event { payload } }')
  const variables = { after: page.deliveries.streamCursor }
  socket.send({ type: 'subscribe', id: 'feed', payload: { query, variables } })
  await socket.next()
  socket.socket.pause()
  const before = heldBytes()
  const payloadText = JSON.stringify('x'.repeat(payloadBytes))
  for (let made = 0; made < changes; made += endpointIds.length) {
    await tenant.rows.publish({ workspaceId: tenant.workspace, endpointIds, payloadText })
    bundle.services.hub.changed([tenant.workspace])
  }
  // Another who reads has got them all by now, and so would this one have.
  await using quick = await openReadySocket(bundle.url, tenant.key)
  quick.send({ type: 'subscribe', id: 'feed', payload: { query: feed('status'), variables } })
  expect(await countChanges(quick)).toBe(changes)
  // All of them together are 48 MB.
  expect(heldBytes() - before).toBeLessThan((changes * payloadBytes) / 3)
  socket.socket.resume()
  expect(await countChanges(socket)).toBe(changes)
}, 60_000)

async function countChanges(socket: { readonly next: () => Promise<Json> }): Promise<number> {
  let count = 0
  while (count < changes) {
    const { deliveryChanges: item } = (await socket.next()).payload.data
    if (item.status ?? item.delivery) count += 1
  }
  return count
}
