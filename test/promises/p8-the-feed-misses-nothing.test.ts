import { expect, test } from 'vitest'
import type { Json } from '../support/client.ts'
import { type Platform, startPlatform } from '../support/platform.ts'
import { startReceiver } from '../support/receiver.ts'
import { openReadySocket } from '../support/socket.ts'

const subscription = `subscription ($after: String!) {
  deliveryChanges(after: $after) {
    __typename
    ... on DeliveryChange { cursor status delivery { id } }
    ... on StreamCheckpoint { cursor }
  }
}`

/** Reads the feed from a cursor until `enough`; answers the changes and the last cursor. */
async function readFeed(
  { bundle, tenant }: Platform,
  after: string,
  enough: (changes: readonly Json[]) => boolean,
): Promise<{ changes: readonly Json[]; cursor: string }> {
  await using socket = await openReadySocket(bundle.url, tenant.key)
  const payload = { query: subscription, variables: { after } }
  socket.send({ type: 'subscribe', id: 'feed', payload })
  const changes: Json[] = []
  let cursor = after
  while (!enough(changes)) {
    const { deliveryChanges: item } = (await socket.next()).payload.data
    if (item.__typename === 'DeliveryChange') changes.push(item)
    cursor = item.cursor
  }
  return { changes, cursor }
}

test('a client that comes and goes sees every change', async () => {
  // One in four fails at first, so that deliveries go through several changes.
  await using receiver = await startReceiver((_, index) => (index % 4 === 0 ? 500 : 200))
  await using platform = await startPlatform()
  const retrySchedule = Array.from({ length: 20 }, () => 0)
  await platform.addEndpoint(receiver.url, { retrySchedule })
  await platform.publishMany(20)
  const page = 'deliveries(first: 100) { nodes { id status } streamCursor }'
  const { deliveries } = await platform.client.ask(`{ ${page} }`)
  const seen = new Map<string, string>()
  for (const { id, status } of deliveries.nodes) seen.set(id, status)
  const publishing = (async () => {
    for (let n = 0; n < 10; n++) await platform.publishMany(8)
  })()
  let cursor: string = deliveries.streamCursor
  const count = () => [...seen.values()].filter((status) => status === 'SUCCEEDED').length
  for (let visit = 1; count() < 100; visit++) {
    // Leaves in the middle of things, each time a little later.
    const part = await readFeed(platform, cursor, (changes) => {
      const ended = changes.filter(({ status }) => status === 'SUCCEEDED').length
      return changes.length >= visit * 7 || count() + ended >= 100
    })
    for (const { delivery, status } of part.changes) seen.set(delivery.id, status)
    cursor = part.cursor
  }
  await publishing
  expect(seen.size).toBe(100)
  const stored = await platform.client.ask('{ deliveries(first: 100) { nodes { id status } } }')
  const nodes: readonly Json[] = stored.deliveries.nodes
  expect(Object.fromEntries(seen)).toEqual(
    Object.fromEntries(nodes.map(({ id, status }) => [id, status])),
  )
})
