import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'
import { addEndpoint } from '../support/endpoints.ts'

const query = `query ($filter: EndpointFilter, $first: Int, $last: Int, $after: String) {
  endpoints(filter: $filter, first: $first, last: $last, after: $after) {
    totalCount nodes { externalId } pageInfo { hasNextPage endCursor }
  }
}`

test.each([
  [{ status: 'DISABLED' }, ['off']],
  [{ status: 'ENABLED', eventType: 'invoice.paid' }, ['exact', 'prefix', 'all']],
  [{ eventType: 'invoice' }, ['all']],
  [{ eventType: 'course.deployed.now' }, ['all']],
  [{ eventType: ' ' }, ['all']],
  [{ eventType: 'null' }, ['all']],
  [{ externalId: 'prefix' }, ['prefix']],
  [{ externalId: 'prefix', status: 'DISABLED' }, []],
  [{}, ['off', 'exact', 'prefix', 'all']],
])('filters endpoints by %j', async (filter, expected) => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  await bundle.operator.mutate('eventTypeCreate', { name: 'invoice.paid' })
  await addEndpoint(client, { externalId: 'all' })
  await addEndpoint(client, { externalId: 'prefix', eventTypes: ['invoice.*'] })
  await addEndpoint(client, { externalId: 'exact', eventTypes: ['invoice.paid'] })
  const { id } = await addEndpoint(client, { externalId: 'off', eventTypes: ['other.*'] })
  await client.mutate('endpointDisable', { id })

  const { endpoints } = await client.ask(query, { filter, first: 10 })

  const nodes = expected.map((externalId) => ({ externalId }))
  expect(endpoints).toMatchObject({ totalCount: expected.length, nodes })
})

test('a cursor belongs to its filter', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  for (const externalId of ['a', 'b']) await addEndpoint(client, { externalId })
  const { endpoints } = await client.ask(query, { filter: { status: 'ENABLED' }, first: 1 })
  const after = endpoints.pageInfo.endCursor

  const same = await client.ask(query, { filter: { status: 'ENABLED' }, first: 1, after })
  const other = await client.send(query, { filter: { status: 'DISABLED' }, first: 1, after })

  expect(same.endpoints.nodes).toEqual([{ externalId: 'a' }])
  expect(other.errors).toMatchObject([{ message: 'after: not a valid cursor.' }])
})

test('the endpoints of a workspace are those of its list', async () => {
  await using bundle = await openBundle()
  const { client, workspaceId } = await bundle.newTenant()
  const { id } = await addEndpoint(client)

  const found = await bundle.operator.ask(
    `query ($id: ID!) { workspace(id: $id) { endpoints(last: 5) { totalCount nodes { id } } } }`,
    { id: workspaceId },
  )

  expect(found.workspace.endpoints).toEqual({ totalCount: 1, nodes: [{ id }] })
})

test.each([
  [{}, 'first', 'exactly one of "first" and "last" is required.'],
  [{ first: 1, last: 1 }, 'first', 'exactly one of "first" and "last" is required.'],
  [{ first: 0 }, 'first', 'must be between 1 and 100, got 0.'],
  [{ last: 101 }, 'last', 'must be between 1 and 100, got 101.'],
])('refuses the page %j', async (page, field, message) => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()

  const reply = await client.send(query, page)

  expect(reply.errors).toMatchObject([
    { message: `${field}: ${message}`, extensions: { code: 'BAD_USER_INPUT', field } },
  ])
})
