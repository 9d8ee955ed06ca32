import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'
import { addEndpoint, endpointFields } from '../support/endpoints.ts'

test('a disabled endpoint says why and since when', async () => {
  let now = new Date('2026-03-19T10:00:00.000Z')
  await using bundle = await openBundle({ clock: { now: () => now } })
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client)

  await client.mutate('endpointDisable', { id })
  now = new Date('2026-03-19T11:00:00.000Z')
  const again = await client.mutate('endpointDisable', { id }, endpointFields)

  expect(again.endpoint).toMatchObject({
    status: 'DISABLED',
    disabledReason: 'MANUAL',
    disabledAt: '2026-03-19T10:00:00.000Z',
  })
})

test('what is published to a disabled endpoint is suppressed', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  await bundle.operator.mutate('eventTypeCreate', { name: 'a' })
  const { id } = await addEndpoint(client)
  const fields = 'event { deliveries(first: 1) { nodes { status } } }'
  const publish = () => client.mutate('eventPublish', { eventType: 'a', payload: 1 }, fields)
  const before = await publish()

  await client.mutate('endpointDisable', { id })
  const during = await publish()
  await client.mutate('endpointEnable', { id })
  const after = await publish()

  const statuses = [before, during, after].map(({ event }) => event.deliveries.nodes[0].status)
  expect(statuses).toEqual(['PENDING', 'SUPPRESSED', 'PENDING'])
})

test('enabling holds nothing against an endpoint any more', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client)
  await bundle.database.pool.query(
    `insert into endpoint_health select id, workspace_id, 12, '2026-03-19T10:00:00Z',
      '2026-03-18T10:00:00Z', 'OPEN', '2026-03-19T10:05:00Z' from endpoint`,
  )
  const fields = 'health { consecutiveFailures failingSince lastSuccessAt circuit nextProbeAt }'
  const query = `query ($id: ID!) { endpoint(id: $id) { ${fields} } }`
  const failing = await client.ask(query, { id })

  const enabled = await client.mutate('endpointEnable', { id }, `endpoint { status ${fields} }`)

  expect(failing.endpoint.health).toEqual({
    consecutiveFailures: 12,
    failingSince: '2026-03-19T10:00:00.000Z',
    lastSuccessAt: '2026-03-18T10:00:00.000Z',
    circuit: 'OPEN',
    nextProbeAt: '2026-03-19T10:05:00.000Z',
  })
  expect(enabled.endpoint).toEqual({
    status: 'ENABLED',
    health: {
      consecutiveFailures: 0,
      failingSince: null,
      lastSuccessAt: '2026-03-18T10:00:00.000Z',
      circuit: 'CLOSED',
      nextProbeAt: null,
    },
  })
})

test('each mutation of a request reads what the last one wrote', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client)
  await bundle.database.pool.query(
    `insert into endpoint_health
    select id, workspace_id, 3, now(), null, 'CLOSED', null from endpoint`,
  )
  const health = '{ ... on EndpointUpdateSuccess { endpoint { health { consecutiveFailures } } } }'
  const enabled = health.replace('Update', 'Enable')

  const data = await client.ask(
    `mutation ($id: ID!) {
      before: endpointUpdate(input: { id: $id, ordered: true }) ${health}
      after: endpointEnable(input: { id: $id }) ${enabled}
    }`,
    { id },
  )

  expect(data.before.endpoint.health.consecutiveFailures).toBe(3)
  expect(data.after.endpoint.health.consecutiveFailures).toBe(0)
})

test('a deleted endpoint is found by its deliveries alone', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client)
  const fields = 'delivery { id }'
  const { delivery } = await client.mutate('endpointPing', { id }, fields)

  const deleted = await client.mutate('endpointDelete', { id }, 'deletedEndpointId')

  expect(deleted.deletedEndpointId).toBe(id)
  const seen = await client.ask(
    `query ($id: ID!, $delivery: ID!) {
      endpoint(id: $id) { id }
      node(id: $id) { id }
      endpoints(first: 1) { totalCount nodes { id } }
      delivery(id: $delivery) { endpoint { id url } }
    }`,
    { id, delivery: delivery.id },
  )
  expect(seen).toEqual({
    endpoint: null,
    node: null,
    endpoints: { totalCount: 0, nodes: [] },
    delivery: { endpoint: { id, url: 'https://example.com/hook' } },
  })
})

test('deleting removes secrets and header values for good', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client, { headers: [{ name: 'x-a', value: '1' }] })
  await client.mutate('endpointSecretRotate', { id })

  await client.mutate('endpointDelete', { id })

  const { rows } = await bundle.database.pool.query(
    `select (select count(*)::int from endpoint_secret) as secrets, headers_sealed from endpoint`,
  )
  expect(rows).toEqual([{ secrets: 0, headers_sealed: null }])
})

test.each(['Enable', 'Disable', 'Delete', 'SecretRotate', 'Ping', 'Update'])(
  'endpoint%s does not find what is deleted',
  async (verb) => {
    await using bundle = await openBundle()
    const { client } = await bundle.newTenant()
    const { id } = await addEndpoint(client)
    await client.mutate('endpointDelete', { id })
    const input = verb === 'Update' ? { id, ordered: true } : { id }

    const refused = await client.mutate(`endpoint${verb}`, input)

    expect(refused).toEqual({
      __typename: 'NotFoundError',
      code: 'NOT_FOUND',
      message: 'Endpoint not found.',
    })
  },
)

test('pending deliveries are counted no further than the bound', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client)
  await client.mutate('endpointPing', { id })
  const query = `query ($id: ID!) {
    endpoint(id: $id) { health { pendingDeliveries { value precision } } }
  }`

  const one = await client.ask(query, { id })
  await bundle.database.pool.query(
    `insert into due (endpoint_id, due_at, delivery_id, workspace_id, event_id, attempt_count,
      failures, attempt_trigger)
    select endpoint_id, due_at, uuidv7(), workspace_id, event_id, 0, 0, 'SCHEDULED'
    from due, generate_series(1, 10000)`,
  )
  const many = await client.ask(query, { id })

  expect(one.endpoint.health.pendingDeliveries).toEqual({ value: 1, precision: 'EXACT' })
  expect(many.endpoint.health.pendingDeliveries).toEqual({ value: 10_000, precision: 'AT_LEAST' })
})
