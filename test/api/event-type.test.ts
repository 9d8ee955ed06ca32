import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'

const fields = 'eventType { id name description status schema example createdAt }'

const schema = {
  type: 'object',
  required: ['amount'],
  properties: { amount: { type: 'integer', minimum: 0 } },
  'x-owner': 'billing',
}

test('adds an event type to the catalogue of all workspaces', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant({ scopes: ['READ'] })
  const input = { name: 'invoice.paid', description: 'Paid.\nIn full.', schema }
  const wanted = { ...input, example: { amount: 1 } }

  const created = await bundle.operator.mutate('eventTypeCreate', wanted, fields)

  expect(created.eventType).toMatchObject({ ...wanted, status: 'ACTIVE' })
  const seen = await client.ask('{ eventTypes(first: 5) { totalCount nodes { id name } } }')
  const { id, name } = created.eventType
  expect(seen.eventTypes).toEqual({ totalCount: 1, nodes: [{ id, name }] })
  const { node } = await client.ask(`{ node(id: "${id}") { ... on EventType { name } } }`)
  expect(node).toEqual({ name })
})

test('a name is in the catalogue once', async () => {
  await using bundle = await openBundle()
  await bundle.operator.mutate('eventTypeCreate', { name: 'a.b' })

  const second = await bundle.operator.mutate('eventTypeCreate', { name: 'a.b' })

  expect(second).toEqual({
    __typename: 'ConflictError',
    code: 'CONFLICT',
    message: 'name: "a.b" is in the catalogue already.',
  })
})

test.each([
  [{ name: 'a..b' }, 'name', 'must be segments of letters'],
  [{ name: 'invoice.*' }, 'name', 'must be segments of letters'],
  [{ name: 'x'.repeat(129) }, 'name', '129 characters, limit 128.'],
  [{ description: 'x'.repeat(1025) }, 'description', '1025 characters, limit 1024.'],
  [{ schema: { type: 'objekt' } }, 'schema', 'not a valid JSON Schema 2020-12'],
  [{ schema: [] }, 'schema', 'must be a JSON Schema'],
  [{ schema: { $ref: 'https://example.com/s.json' } }, 'schema', "can't resolve reference"],
  [{ schema: { $schema: 'http://json-schema.org/draft-07/schema#' } }, 'schema', 'no schema with'],
  [{ schema: { $async: true } }, 'schema', '"$async" is not a keyword'],
  [{ schema: { description: 'x'.repeat(65_536) } }, 'schema', 'limit 65536.'],
  [{ schema: { pattern: '(' } }, 'schema', 'pattern "(" cannot be used: missing closing )'],
  [{ example: 'x'.repeat(65_536) }, 'example', '65538 bytes, limit 65536.'],
  [{ schema, example: { amount: -1 } }, 'example', 'does not fit the schema: at /amount must be'],
])('refuses an event type with %j', async (wrong, field, message) => {
  await using bundle = await openBundle()

  const refused = await bundle.operator.mutate('eventTypeCreate', { name: 'a', ...wrong })

  expect(refused.issues).toHaveLength(1)
  expect(refused.issues[0].path).toEqual([field])
  expect(refused.issues[0].message).toContain(message)
})

test('an update keeps what is left out and clears what is null', async () => {
  await using bundle = await openBundle()
  const input = { name: 'a', description: 'Kept.', schema, example: { amount: 1 } }
  await bundle.operator.mutate('eventTypeCreate', input)
  const changes = { name: 'a', schema: null, status: 'DEPRECATED' }

  const { eventType } = await bundle.operator.mutate('eventTypeUpdate', changes, fields)

  expect(eventType).toMatchObject({
    description: 'Kept.',
    schema: null,
    status: 'DEPRECATED',
    example: { amount: 1 },
  })
})

test.each([
  [{}, { path: [], message: 'Nothing to update.' }],
  [{ status: null }, { path: ['status'], message: 'must not be null.' }],
])('refuses the update %j', async (changes, issue) => {
  await using bundle = await openBundle()
  await bundle.operator.mutate('eventTypeCreate', { name: 'a' })

  const refused = await bundle.operator.mutate('eventTypeUpdate', { name: 'a', ...changes })

  expect(refused).toMatchObject({ __typename: 'ValidationError', issues: [issue] })
})

test('a new schema must fit the example that stays', async () => {
  await using bundle = await openBundle()
  await bundle.operator.mutate('eventTypeCreate', { name: 'a', example: { amount: 'much' } })

  const refused = await bundle.operator.mutate('eventTypeUpdate', { name: 'a', schema })

  expect(refused.issues).toEqual([
    { path: ['example'], message: 'does not fit the schema: at /amount must be integer.' },
  ])
})

test('an event type that is in no catalogue is not found', async () => {
  await using bundle = await openBundle()

  const refused = await bundle.operator.mutate('eventTypeUpdate', { name: 'a', description: 'x' })

  expect(refused).toMatchObject({ __typename: 'NotFoundError', message: 'Event type not found.' })
})

test('every change of the catalogue raises its version', async () => {
  await using bundle = await openBundle()
  const read = async () => {
    const { rows } = await bundle.database.pool.query('select version from catalogue')
    return Number(rows[0].version)
  }

  await bundle.operator.mutate('eventTypeCreate', { name: 'a' })
  const created = await read()
  await bundle.operator.mutate('eventTypeUpdate', { name: 'a', description: 'x' })

  expect([created, await read()]).toEqual([1, 2])
})
