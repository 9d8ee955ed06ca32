import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { publicId } from '../../src/rules/id.ts'
import { type Bundle, openBundle } from '../support/bundle.ts'
import { type LogTenant, newLogTenant } from '../support/log-tenant.ts'
import { readReplay, replayFields, replaysOf, startReplay } from '../support/replays.ts'
import { openReadySocket } from '../support/socket.ts'
import { stillClock } from '../support/time.ts'

const clock = stillClock()
const daySeconds = 86_400
let bundle: Bundle
let turns: ReturnType<typeof replaysOf>
let tenant: LogTenant
let endpointId: string

beforeAll(async () => {
  bundle = await openBundle({ clock })
  turns = replaysOf(bundle, clock)
  await bundle.operator.mutate('eventTypeCreate', { name: 'invoice.paid' })
})

afterAll(() => bundle[Symbol.asyncDispose]())

beforeEach(async () => {
  await bundle.database.pool.query('delete from replay')
  tenant = await newLogTenant(bundle)
  endpointId = publicId('wh', tenant.endpoint)
})

const statuses = ['FAILED']

const ask = (input: object) => {
  const wish = { endpointId, createdAt: {}, ...input }
  return tenant.client.mutate('deliveriesReplay', wish, replayFields)
}

/** A moment, this many days before now. */
const daysAgo = (days: number) => new Date(clock.now().getTime() - days * daySeconds * 1000)

test('a replay is answered before anything is counted', async () => {
  const { replay } = await ask({ statuses })
  expect(replay).toEqual({
    id: expect.stringMatching(/^rpl_/),
    ...{ status: 'RUNNING', matched: 0, created: 0, endpoint: { id: endpointId } },
    createdAt: expect.any(String),
    completedAt: null,
  })
})

test('a replay is found by its id, alone and as a node', async () => {
  const { id } = await startReplay(tenant.client, { endpointId, statuses })
  expect(await readReplay(tenant.client, id)).toMatchObject({ id, status: 'RUNNING' })
  const query = 'query ($id: ID!) { node(id: $id) { id __typename } }'
  for (const client of [tenant.client, bundle.operator]) {
    expect((await client.ask(query, { id })).node).toEqual({ id, __typename: 'Replay' })
  }
})

test.each([
  { what: 'a range that ends before it begins', path: 'createdAt', since: 1, until: 2 },
  { what: 'a range in the future', path: 'createdAt.since', since: -1 },
  { what: 'what waits', path: 'statuses.1', input: { statuses: ['FAILED', 'RETRYING'] } },
  { what: 'an unknown type', path: 'eventTypes.0', input: { eventTypes: ['invoice.payed'] } },
  { what: 'no type', path: 'eventTypes', input: { eventTypes: [] } },
])('a replay of $what is refused', async ({ path, since, until, input }) => {
  const createdAt = {
    ...(since !== undefined && { since: daysAgo(since) }),
    ...(until !== undefined && { until: daysAgo(until) }),
  }
  const refused = await ask({ statuses, createdAt, ...input })
  expect(refused.code).toBe('INVALID_INPUT')
  expect(refused.issues.map((issue: { path: string[] }) => issue.path.join('.'))).toEqual([path])
})

test.each(['since', 'until'] as const)('a %s before what is kept says so', async (end) => {
  const refused = await ask({ statuses, createdAt: { [end]: daysAgo(31.5) } })
  const first = daysAgo(30).toISOString().slice(0, 10)
  expect(refused.issues).toEqual([
    {
      path: ['createdAt', end],
      message: `events are kept for 30 days; those before ${first}T00:00:00.000Z are gone.`,
    },
  ])
})

test('a disabled endpoint is not replayed to', async () => {
  await tenant.client.mutate('endpointDisable', { id: endpointId })
  expect(await ask({ statuses })).toMatchObject({
    code: 'INVALID_STATE',
    message: 'The endpoint is disabled. Enable it first.',
  })
})

test('an endpoint has one replay at a time', async () => {
  const answers = await Promise.all([ask({ statuses }), ask({ statuses })])
  const { replay } = answers.find((answer) => answer.replay)
  const refused = answers.find((answer) => !answer.replay)
  expect(refused).toMatchObject({
    code: 'INVALID_STATE',
    message: `The endpoint has a replay that is running, ${replay.id}. Wait for its end or cancel it.`,
  })
  await turns.takeTurns(2)
  expect(await ask({ statuses })).toHaveProperty('replay')
})

test('a replay without statuses runs once a day', async () => {
  const { createdAt } = await startReplay(tenant.client, { endpointId, statuses: [] })
  await turns.takeTurns(2)
  const again = new Date(Date.parse(createdAt) + daySeconds * 1000).toISOString()
  expect(await ask({})).toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message:
      `An endpoint has one replay without statuses a day. The last began at ${createdAt}; ` +
      `the next may begin at ${again}.`,
  })
  expect(await ask({ statuses })).toHaveProperty('replay')
  await turns.takeTurns(2)
  clock.advance(daySeconds)
  expect(await ask({})).toHaveProperty('replay')
})

test('one that was canceled before it made anything does not count', async () => {
  const { id } = await startReplay(tenant.client, { endpointId })
  await tenant.client.mutate('replayCancel', { id })
  expect(await ask({})).toHaveProperty('replay')
})

test('a replay that has ended is not canceled', async () => {
  const { id } = await startReplay(tenant.client, { endpointId, statuses })
  const { replay } = await tenant.client.mutate('replayCancel', { id }, replayFields)
  expect(replay).toMatchObject({ id, status: 'CANCELED', completedAt: expect.any(String) })
  expect(await tenant.client.mutate('replayCancel', { id })).toMatchObject({
    code: 'INVALID_STATE',
    message: 'This replay has ended: it is CANCELED.',
  })
})

test('a key that may only read begins and cancels nothing', async () => {
  const { id } = await startReplay(tenant.client, { endpointId, statuses })
  const input = { workspaceId: tenant.workspaceId, name: 'reader', scopes: ['READ'] }
  const { key } = await bundle.operator.mutate('apiKeyCreate', input, 'key')
  const reader = bundle.clientOf(key)
  expect(await readReplay(reader, id)).toMatchObject({ id })
  const reply = await reader.send(
    `mutation { replayCancel(input: { id: "${id}" }) { __typename } }`,
  )
  expect(reply.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
})

test("another workspace's replays are as if they were not there", async () => {
  const { id } = await startReplay(tenant.client, { endpointId, statuses })
  const { client } = await bundle.newTenant()
  expect(await readReplay(client, id)).toBeNull()
  const missing = { code: 'NOT_FOUND', message: 'Replay not found.' }
  expect(await client.mutate('replayCancel', { id })).toMatchObject(missing)
  expect(await client.mutate('deliveriesReplay', { endpointId, createdAt: {} })).toMatchObject({
    ...{ code: 'NOT_FOUND', message: 'Endpoint not found.' },
  })
})

/** Watches a replay: its next state, or undefined where there are no more. */
async function watch(id: string, key = tenant.key) {
  const socket = await openReadySocket(bundle.url, key)
  const query = `subscription ($id: ID!) {
    replayProgress(id: $id) { status matched created endpoint { id } }
  }`
  socket.send({ id: '1', type: 'subscribe', payload: { query, variables: { id } } })
  return { socket, next: () => socket.next() }
}

test('a replay is watched to its end', async () => {
  for (let n = 0; n < 2; n++) await tenant.deliver({ status: 'SUPPRESSED', at: clock.now() })
  clock.advance(1)
  const { id } = await startReplay(tenant.client, { endpointId, statuses: ['SUPPRESSED'] })
  const { socket, next } = await watch(id)
  await using _socket = socket
  const state = (progress: object) => ({
    payload: { data: { replayProgress: { ...progress, endpoint: { id: endpointId } } } },
  })
  expect(await next()).toMatchObject(state({ status: 'RUNNING', matched: 0, created: 0 }))
  await turns.takeTurns(1)
  expect(await next()).toMatchObject(state({ status: 'RUNNING', matched: 2, created: 0 }))
  await turns.takeTurns(1)
  expect(await next()).toMatchObject(state({ status: 'COMPLETED', matched: 2, created: 2 }))
  expect(await next()).toEqual({ id: '1', type: 'complete' })
})

test('a replay that has ended is told of once', async () => {
  const { id } = await startReplay(tenant.client, { endpointId, statuses })
  await tenant.client.mutate('replayCancel', { id })
  const { socket, next } = await watch(id)
  await using _socket = socket
  expect(await next()).toMatchObject({
    payload: { data: { replayProgress: { status: 'CANCELED' } } },
  })
  expect(await next()).toEqual({ id: '1', type: 'complete' })
})

test('watching what is not there is refused', async () => {
  const { id } = await startReplay(tenant.client, { endpointId, statuses })
  const other = await bundle.newTenant()
  const { socket, next } = await watch(id, other.key)
  await using _socket = socket
  expect(await next()).toMatchObject({ type: 'error', payload: [{ message: 'Replay not found.' }] })
})
