import { afterAll, beforeAll, expect, test } from 'vitest'
import { publicId } from '../../src/rules/id.ts'
import { type Bundle, openBundle } from '../support/bundle.ts'
import { idOf, type LogTenant, newLogTenant } from '../support/log-tenant.ts'

let bundle: Bundle

beforeAll(async () => {
  bundle = await openBundle()
})

afterAll(() => bundle[Symbol.asyncDispose]())

const hourMs = 3_600_000
const page = `query ($filter: DeliveryFilter, $workspaceId: ID) {
  deliveries(first: 100, filter: $filter, workspaceId: $workspaceId) { nodes { id } }
  deliveriesCount(filter: $filter, workspaceId: $workspaceId) { value precision }
}`

type Filtered = { readonly ids: string[]; readonly count: object }

async function filtered({ client }: LogTenant, filter?: object): Promise<Filtered> {
  const { deliveries, deliveriesCount } = await client.ask(page, { filter })
  return { ids: deliveries.nodes.map(({ id }: { id: string }) => id), count: deliveriesCount }
}

test('a delivery shows all that is known of it', async () => {
  const tenant = await newLogTenant(bundle)
  const at = new Date(Date.now() - 2 * hourMs)
  const delivery = await tenant.deliver({ at, trigger: 'PING', eventType: 'ping' })
  await tenant.rows.attempt(delivery, { result: 'TIMEOUT', startedAt: at, durationMs: 20 })
  const { delivery: found } = await tenant.client.ask(
    `query ($id: ID!) { delivery(id: $id) {
      id eventType status trigger attemptCount nextAttemptAt createdAt completedAt
      event { id eventType createdAt } endpoint { id workspace { id } }
      attempts { number result }
    } }`,
    { id: idOf(delivery) },
  )
  expect(found).toEqual({
    id: idOf(delivery),
    eventType: 'ping',
    status: 'RETRYING',
    trigger: 'PING',
    attemptCount: 1,
    nextAttemptAt: new Date(at.getTime() + hourMs).toISOString(),
    createdAt: at.toISOString(),
    completedAt: null,
    event: {
      id: publicId('evt', delivery.event.eventId),
      eventType: 'ping',
      createdAt: at.toISOString(),
    },
    endpoint: { id: publicId('wh', tenant.endpoint), workspace: { id: tenant.workspaceId } },
    attempts: [{ number: 1, result: 'TIMEOUT' }],
  })
})

test('each condition of a filter chooses its deliveries', async () => {
  const tenant = await newLogTenant(bundle)
  const { rows, workspace, deliver } = tenant
  const other = await rows.addEndpoint(workspace)
  const longAgo = new Date(Date.now() - 48 * hourMs)
  const old = await deliver({ at: longAgo })
  const suppressed = await deliver({ status: 'SUPPRESSED', endpointIds: [other] })
  const failed = await deliver({ eventType: 'invoice.failed' })
  await rows.attempt(failed, { result: 'HTTP_ERROR', statusCode: 503, status: 'FAILED' })
  const ping = await deliver({ trigger: 'PING' })
  await rows.attempt(ping, { result: 'SUCCEEDED', statusCode: 204 })
  const fits = async (filter: object) => (await filtered(tenant, filter)).ids

  expect(await fits({ endpointIds: [publicId('wh', other)] })).toEqual([idOf(suppressed)])
  expect(
    await fits({ endpointIds: [publicId('wh', other), publicId('wh', tenant.endpoint)] }),
  ).toHaveLength(4)
  expect(await fits({ eventId: publicId('evt', failed.event.eventId) })).toEqual([idOf(failed)])
  expect(await fits({ eventTypes: ['invoice.failed', 'x'] })).toEqual([idOf(failed)])
  expect(await fits({ statuses: ['SUPPRESSED', 'FAILED'] })).toEqual([failed, suppressed].map(idOf))
  expect(await fits({ triggers: ['PING'] })).toEqual([idOf(ping)])
  expect(await fits({ lastResults: ['HTTP_ERROR'] })).toEqual([idOf(failed)])
  expect(await fits({ lastStatusCode: { min: 204, max: 204 } })).toEqual([idOf(ping)])
  expect(await fits({ lastStatusCode: { min: 205 } })).toEqual([idOf(failed)])
  const until = new Date(Date.now() - hourMs).toISOString()
  expect(await fits({ createdAt: { until } })).toEqual([idOf(old)])
  expect(await fits({ createdAt: { since: until } })).toHaveLength(3)
  expect(await fits({ createdAt: { since: longAgo.toISOString(), until } })).toEqual([idOf(old)])
  expect(await fits({ statuses: ['FAILED'], triggers: ['PING'] })).toEqual([])
})

test('a filter with ids of nobody fits nothing', async () => {
  const tenant = await newLogTenant(bundle)
  const other = await newLogTenant(bundle)
  await tenant.deliver()
  const theirs = await other.deliver()
  const foreign = publicId('wh', other.endpoint)
  const nothing = { ids: [], count: { value: 0, precision: 'EXACT' } }
  for (const filter of [
    { endpointIds: [foreign] },
    { endpointIds: ['nonsense'] },
    { endpointIds: [] },
    { eventId: publicId('evt', theirs.event.eventId) },
    { eventId: 'nonsense' },
  ]) {
    expect(await filtered(tenant, filter)).toEqual(nothing)
  }
})

test.each([
  [{ createdAt: { since: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' } }],
  [{ createdAt: { since: '2026-01-01T00:00:00Z', until: '2026-01-01T00:00:00Z' } }],
  [{ lastStatusCode: { min: 500, max: 499 } }],
])('a range with nothing in it is refused: %j', async (filter) => {
  const tenant = await newLogTenant(bundle)
  const { errors } = await tenant.client.send(page, { filter })
  const [name] = Object.keys(filter)
  expect(errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: `filter.${name}` })
})

test('lists of endpoints and events hold their own deliveries', async () => {
  const tenant = await newLogTenant(bundle)
  const mine = await tenant.deliver()
  const other = await tenant.rows.addEndpoint(tenant.workspace)
  await tenant.deliver({ endpointIds: [other] })
  const lists = `query ($wh: ID!, $evt: ID!, $filter: DeliveryFilter) {
    endpoint(id: $wh) { deliveries(first: 5, filter: $filter) { nodes { id } } }
    event(id: $evt) { deliveries(first: 5, filter: $filter) { nodes { id } } }
  }`
  const owners = {
    wh: publicId('wh', tenant.endpoint),
    evt: publicId('evt', mine.event.eventId),
  }
  const found = { deliveries: { nodes: [{ id: idOf(mine) }] } }
  expect(await tenant.client.ask(lists, owners)).toEqual({ endpoint: found, event: found })
  const filter = { endpointIds: [publicId('wh', other)], eventId: publicId('evt', other) }
  const none = { deliveries: { nodes: [] } }
  expect(await tenant.client.ask(lists, { ...owners, filter })).toEqual({
    endpoint: none,
    event: none,
  })
})

test('a foreign delivery is answered like one that is not there', async () => {
  const tenant = await newLogTenant(bundle)
  const other = await newLogTenant(bundle)
  const delivery = await other.deliver()
  await other.rows.attempt(delivery, { result: 'TIMEOUT' })
  const foreign = [
    idOf(delivery),
    publicId('evt', delivery.event.eventId),
    publicId('att', `${delivery.deliveryId.slice(0, -3)}001`),
  ]
  const nobodys = foreign.map((id) => `${id.slice(0, -8)}00000000`)
  const nodes = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }'
  const mine = await tenant.client.send(nodes, { ids: foreign })
  expect(mine.data).toEqual({ nodes: [null, null, null] })
  expect(mine.text).toBe((await tenant.client.send(nodes, { ids: nobodys })).text)
  expect(await other.client.ask(nodes, { ids: foreign })).toEqual({
    nodes: foreign.map((id) => ({ id })),
  })
  expect(await bundle.operator.ask(nodes, { ids: foreign })).toEqual({
    nodes: foreign.map((id) => ({ id })),
  })
})

test('an operator names the workspace whose log to read', async () => {
  const tenant = await newLogTenant(bundle)
  const delivery = await tenant.deliver()
  const { workspaceId } = tenant
  const { deliveries } = await bundle.operator.ask(page, { workspaceId })
  expect(deliveries.nodes).toEqual([{ id: idOf(delivery) }])
  const { errors } = await bundle.operator.send(page)
  expect(errors[0]?.extensions.code).toBe('BAD_USER_INPUT')
})

test('a delivery shows its endpoint after it was deleted', async () => {
  const tenant = await newLogTenant(bundle)
  const delivery = await tenant.deliver()
  const id = publicId('wh', tenant.endpoint)
  await tenant.client.mutate('endpointDelete', { id })
  const { delivery: found } = await tenant.client.ask(
    'query ($id: ID!) { delivery(id: $id) { endpoint { id url } } }',
    { id: idOf(delivery) },
  )
  expect(found.endpoint).toEqual({ id, url: 'https://example.com/' })
})

test('a delivery outlives its event', async () => {
  const tenant = await newLogTenant(bundle)
  const delivery = await tenant.deliver({ trigger: 'REPLAY' })
  await tenant.rows.attempt(delivery, { result: 'TIMEOUT' })
  await bundle.database.pool.query('delete from event where id = $1', [delivery.event.eventId])
  const { delivery: found } = await tenant.client.ask(
    `query ($id: ID!) { delivery(id: $id) {
      event { id eventType payload payloadText } attempts { request { body } }
    } }`,
    { id: idOf(delivery) },
  )
  expect(found).toEqual({
    event: {
      id: publicId('evt', delivery.event.eventId),
      eventType: 'invoice.paid',
      payload: null,
      payloadText: null,
    },
    attempts: [{ request: { body: '' } }],
  })
})

test('counting stops at ten thousand', async () => {
  const tenant = await newLogTenant(bundle)
  const endpointIds = Array.from({ length: 10_001 }, () => tenant.endpoint)
  await tenant.rows.publish({ workspaceId: tenant.workspace, endpointIds })
  const all = '{ deliveriesCount { value precision } }'
  const { deliveriesCount } = await tenant.client.ask(all)
  expect(deliveriesCount).toEqual({ value: 10_000, precision: 'AT_LEAST' })
})
