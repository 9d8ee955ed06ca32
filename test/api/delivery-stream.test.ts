import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { publicId } from '../../src/rules/id.ts'
import { type Bundle, openBundle } from '../support/bundle.ts'
import type { Json } from '../support/client.ts'
import { idOf, type LogTenant, newLogTenant } from '../support/log-tenant.ts'
import { startReceiver } from '../support/receiver.ts'
import { openReadySocket } from '../support/socket.ts'

let bundle: Bundle
let tenant: LogTenant

beforeAll(async () => {
  bundle = await openBundle()
})

beforeEach(async () => {
  tenant = await newLogTenant(bundle)
})

afterAll(() => bundle[Symbol.asyncDispose]())

const query = `subscription ($workspaceId: ID, $filter: DeliveryFilter, $after: String) {
  deliveryChanges(workspaceId: $workspaceId, filter: $filter, after: $after) {
    __typename
    ... on DeliveryChange {
      cursor status previousStatus changedAt
      delivery { id status endpoint { id } event { payload } } attempt { number result }
    }
    ... on StreamCheckpoint { cursor }
    ... on StreamReset { cursor reason }
  }
}`

/** A subscription past what it says at the start. */
async function watch(variables: object = {}, key = tenant.key) {
  const socket = await openReadySocket(bundle.url, key)
  socket.send({ type: 'subscribe', id: 'feed', payload: { query, variables } })
  const next = async (): Promise<Json> => {
    const { payload } = await socket.next()
    return payload.data?.deliveryChanges ?? payload
  }
  return { first: await next(), next, [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose]() }
}

/** Without a pipeline nobody else says so. */
const hint = () => bundle.services.hub.changed([tenant.workspace])

test('a change shows what has changed and why', async () => {
  await using feed = await watch()
  expect(feed.first).toEqual({ __typename: 'StreamCheckpoint', cursor: expect.any(String) })
  const at = new Date()
  const delivery = await tenant.deliver({ at })
  hint()
  expect(await feed.next()).toEqual({
    __typename: 'DeliveryChange',
    cursor: expect.any(String),
    status: 'PENDING',
    previousStatus: null,
    changedAt: at.toISOString(),
    delivery: {
      id: idOf(delivery),
      status: 'PENDING',
      endpoint: { id: publicId('wh', tenant.endpoint) },
      event: { payload: { n: 1 } },
    },
    attempt: null,
  })
  await tenant.rows.attempt(delivery, { result: 'SUCCEEDED', statusCode: 200 })
  hint()
  expect(await feed.next()).toMatchObject({
    status: 'SUCCEEDED',
    previousStatus: 'PENDING',
    attempt: { number: 1, result: 'SUCCEEDED' },
  })
})

test('between a query and its stream nothing is missed', async () => {
  const known = await tenant.deliver()
  const { deliveries } = await tenant.client.ask('{ deliveries(first: 1) { streamCursor } }')
  const missed = await tenant.deliver()
  await using feed = await watch({ after: deliveries.streamCursor })
  // What the query showed may come again: another transaction was still open while it ran.
  const first = await feed.next()
  const next = first.delivery.id === idOf(known) ? await feed.next() : first
  expect(next).toMatchObject({ delivery: { id: idOf(missed) } })
  const live = await tenant.deliver()
  hint()
  expect(await feed.next()).toMatchObject({ delivery: { id: idOf(live) } })
})

test('an empty page has a cursor for its stream', async () => {
  const { deliveries } = await tenant.client.ask(
    '{ deliveries(first: 1, filter: { statuses: [] }) { streamCursor } }',
  )
  const delivery = await tenant.deliver()
  await using feed = await watch({ after: deliveries.streamCursor })
  expect(await feed.next()).toMatchObject({ delivery: { id: idOf(delivery) } })
})

test('a stream goes on from the last cursor, without a gap', async () => {
  const seen: string[] = []
  const made: string[] = []
  let after: string | null = null
  for (let n = 0; n < 3; n++) {
    await using feed = await watch({ after })
    after = feed.first.cursor
    made.push(idOf(await tenant.deliver()), idOf(await tenant.deliver()))
    hint()
    while (seen.length < made.length - 1) {
      const change = await feed.next()
      seen.push(change.delivery.id)
      after = change.cursor
    }
  }
  await using rest = await watch({ after })
  seen.push((await rest.next()).delivery.id)
  expect(seen).toEqual(made)
})

test('a change by a person is on the feed', async () => {
  await using feed = await watch()
  const delivery = await tenant.deliver()
  await tenant.client.mutate('deliveryCancel', { id: idOf(delivery) })
  await tenant.client.mutate('deliveryRetry', { id: idOf(delivery) })
  const changes = [await feed.next(), await feed.next(), await feed.next()]
  expect(changes.map(({ previousStatus, status }) => [previousStatus, status])).toEqual([
    [null, 'PENDING'],
    ['PENDING', 'CANCELED'],
    ['CANCELED', 'PENDING'],
  ])
})

test('a filter lets through what fits at the time of the change', async () => {
  await using feed = await watch({ filter: { statuses: ['RETRYING'], lastResults: ['TIMEOUT'] } })
  const delivery = await tenant.deliver()
  await tenant.rows.attempt(delivery, { result: 'DNS_ERROR' })
  await tenant.rows.attempt(delivery, { result: 'TIMEOUT' })
  await tenant.rows.attempt(delivery, { result: 'SUCCEEDED', statusCode: 200 })
  hint()
  expect(await feed.next()).toMatchObject({
    status: 'RETRYING',
    attempt: { number: 2 },
    delivery: { status: 'SUCCEEDED' },
  })
})

test('a workspace hears nothing of another', async () => {
  const other = await newLogTenant(bundle)
  await using feed = await watch()
  await other.deliver()
  bundle.services.hub.changed([other.workspace])
  const own = await tenant.deliver()
  hint()
  expect(await feed.next()).toMatchObject({ delivery: { id: idOf(own) } })
})

test('a cursor of another workspace is refused', async () => {
  const other = await newLogTenant(bundle)
  await using feed = await watch()
  const after = feed.first.cursor
  await using theirs = await watch({ after }, other.key)
  expect(theirs.first).toMatchObject([{ message: 'after: not a valid cursor.' }])
})

test.each(['foreign', 'unknown'])('a stream of a %s endpoint is refused', async (kind) => {
  const other = await newLogTenant(bundle)
  const id = publicId('wh', other.endpoint)
  const endpointIds = [kind === 'foreign' ? id : `${id.slice(0, -8)}00000000`]
  await using feed = await watch({ filter: { endpointIds } })
  expect(feed.first).toMatchObject([{ message: 'Endpoint not found.' }])
})

test('an operator watches the workspace they name', async () => {
  await using feed = await watch({ workspaceId: tenant.workspaceId }, bundle.adminKey)
  const delivery = await tenant.deliver()
  hint()
  expect(await feed.next()).toMatchObject({ delivery: { id: idOf(delivery) } })
})

test('a cursor older than the log is reset to now', async () => {
  let now = new Date()
  await using aging = await openBundle({ clock: { now: () => now } })
  const old = await newLogTenant(aging)
  const { deliveries } = await old.client.ask('{ deliveries(first: 1) { streamCursor } }')
  now = new Date(now.getTime() + 31 * 86_400_000)
  await using socket = await openReadySocket(aging.url, old.key)
  const variables = { after: deliveries.streamCursor }
  socket.send({ type: 'subscribe', id: 'feed', payload: { query, variables } })
  const { payload } = await socket.next()
  expect(payload.data.deliveryChanges).toMatchObject({ __typename: 'StreamReset' })
})

test('a client that comes and goes sees every delivery arrive', async () => {
  await using delivering = await openBundle({ delivers: true })
  await using receiver = await startReceiver()
  const { client, key } = await delivering.newTenant()
  await delivering.operator.mutate('eventTypeCreate', { name: 'invoice.paid' })
  await client.mutate('endpointCreate', { url: receiver.url, eventTypes: ['*'] })
  const seen = new Map<string, string[]>()
  const events = Array.from({ length: 50 }, (_, n) => ({
    eventType: 'invoice.paid',
    payloadText: String(n),
  }))
  let after: string | null = null
  let published = false
  while ([...seen.values()].flat().length < 2 * events.length) {
    await using socket = await openReadySocket(delivering.url, key)
    const variables = { after }
    socket.send({ type: 'subscribe', id: 'feed', payload: { query, variables } })
    after = (await socket.next()).payload.data.deliveryChanges.cursor
    if (!published) await client.mutate('eventPublishBatch', { events })
    published = true
    for (let n = 0; n < 20; n++) {
      const change = (await socket.next()).payload.data.deliveryChanges
      after = change.cursor
      const statuses = seen.get(change.delivery.id) ?? []
      seen.set(change.delivery.id, [...statuses, change.status])
    }
  }
  expect(seen.size).toBe(events.length)
  for (const statuses of seen.values()) expect(statuses).toEqual(['PENDING', 'SUCCEEDED'])
})

test('subscribers of the same get the same, each by their selection', async () => {
  const deliver = () => tenant.deliver()
  await using one = await openReadySocket(bundle.url, tenant.key)
  const ask = async (id: string, fields: string, variables = {}) => {
    const text = `subscription ($wanted: Boolean = true, $filter: DeliveryFilter) {
      deliveryChanges(filter: $filter) { ... on DeliveryChange { ${fields} } }
    }`
    one.send({ type: 'subscribe', id, payload: { query: text, variables } })
    expect(await one.next()).toMatchObject({ type: 'next', id })
  }
  await ask('all', 'cursor previousStatus @include(if: $wanted)')
  await ask('filtered', 'cursor previousStatus @include(if: $wanted)', {
    filter: { statuses: ['PENDING'] },
  })
  await ask('with', 'delivery @include(if: $wanted) { id } status')
  await ask('without', 'delivery @include(if: $wanted) { id } status', { wanted: false })
  const id = idOf(await deliver())
  hint()
  const seen = new Map<string, Json>()
  while (seen.size < 4) {
    const { id: name, payload } = await one.next()
    const { deliveryChanges: change } = payload.data
    // A checkpoint has none of these fields.
    if (Object.keys(change).length > 0) seen.set(name, change)
  }
  expect(seen.get('filtered')).toEqual(seen.get('all'))
  expect(seen.get('with')).toEqual({ delivery: { id }, status: 'PENDING' })
  expect(seen.get('without')).toEqual({ status: 'PENDING' })
})
