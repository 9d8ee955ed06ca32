import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'
import { addEndpoint } from '../support/endpoints.ts'
import { type CuttableWay, openWay } from '../support/cuttable.ts'

const who = '{ viewer { scopes apiKey { id } workspace { id } } }'

test('the operator key of the configuration opens everything', async () => {
  await using bundle = await openBundle()

  const { viewer } = await bundle.operator.ask(who)

  expect(viewer).toEqual({ scopes: ['OPERATOR'], apiKey: null, workspace: null })
})

test('the operator key may be any text', async () => {
  const adminKey = 'a phrase of many words, more than 32 characters'
  await using bundle = await openBundle({ config: { adminKey } })

  expect((await bundle.clientOf(adminKey).send(who)).status).toBe(200)
  expect((await bundle.clientOf(`${adminKey} `.slice(1)).send(who)).status).toBe(401)
})

test('a workspace key opens its workspace', async () => {
  await using bundle = await openBundle()
  const { client, keyId, workspaceId } = await bundle.newTenant({ scopes: ['READ'] })

  const { viewer } = await client.ask(who)

  expect(viewer).toEqual({
    scopes: ['READ'],
    apiKey: { id: keyId },
    workspace: { id: workspaceId },
  })
})

test('a request without a key is refused before it is executed', async () => {
  await using bundle = await openBundle()

  const reply = await bundle.clientOf(null).send(who)

  expect(reply.status).toBe(401)
  expect(reply.headers.get('www-authenticate')).toBe('Bearer')
  expect(reply.errors).toMatchObject([
    { message: 'Missing API key.', extensions: { code: 'UNAUTHENTICATED' } },
  ])
  expect(reply.text).not.toContain('"data"')
})

test('unknown, revoked, expired and mistyped keys are answered alike', async () => {
  let now = new Date('2026-03-19T10:00:00.000Z')
  await using bundle = await openBundle({ clock: { now: () => now } })
  const revoked = await bundle.newTenant()
  await bundle.operator.mutate('apiKeyRevoke', { id: revoked.keyId })
  const { workspaceId } = revoked
  const wish = { workspaceId, name: 'brief', scopes: ['READ'], expiresAt: '2026-03-19T10:01:00Z' }
  const expired = await bundle.operator.mutate('apiKeyCreate', wish, 'key')
  now = new Date('2026-03-19T10:01:00.000Z')
  const another = await bundle.newTenant()
  const keys = [
    revoked.key,
    expired.key,
    mistyped(another.key),
    'pr_unknown',
    `${bundle.adminKey}x`,
    'x'.repeat(5000),
  ]

  for (const key of keys) {
    const reply = await bundle.clientOf(key).send(who)
    expect(reply.status).toBe(401)
    expect(reply.headers.get('www-authenticate')).toBe('Bearer')
    expect(withoutId(reply.text)).toBe(
      '{"errors":[{"message":"Invalid API key.","extensions":{"code":"UNAUTHENTICATED"}}]}',
    )
  }
})

test('a revoked key is refused within five seconds', async () => {
  let now = new Date('2026-03-19T10:00:00.000Z')
  await using bundle = await openBundle({ clock: { now: () => now } })
  const { client, keyId } = await bundle.newTenant()
  await client.ask(who)

  await bundle.operator.mutate('apiKeyRevoke', { id: keyId })
  now = new Date('2026-03-19T10:00:04.999Z')

  expect((await client.send(who)).status).toBe(401)
})

test('a key with a wrong checksum is refused without the database', async () => {
  const ways: CuttableWay[] = []
  await using bundle = await openBundle({
    way: async (url) => ways[ways.push(await openWay(url)) - 1]!,
  })
  const { key } = await bundle.newTenant()
  await ways[0]!.cut()

  const wrong = await bundle.clientOf(mistyped(key)).send(who)
  const right = await bundle.clientOf(key).send(who)

  expect(wrong.status).toBe(401)
  expect(right.status).toBe(503)
  expect(right.errors).toMatchObject([{ extensions: { code: 'UNAVAILABLE', retryable: true } }])
})

test('the last use of a key is stored without a write a request', async () => {
  const now = new Date('2026-03-19T10:00:00.000Z')
  await using bundle = await openBundle({ clock: { now: () => now } })
  const { client, keyId } = await bundle.newTenant()
  const query = `query ($id: ID!) { node(id: $id) { ... on ApiKey { lastUsedAt } } }`
  await client.ask(who)
  const before = await bundle.operator.ask(query, { id: keyId })

  await bundle.services.callers[Symbol.asyncDispose]()

  const after = await bundle.operator.ask(query, { id: keyId })
  expect(before.node.lastUsedAt).toBe(null)
  expect(after.node.lastUsedAt).toBe('2026-03-19T10:00:00.000Z')
})

test('a missing scope is FORBIDDEN before the input is read', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant({ scopes: ['READ'] })

  const reply = await client.send(
    'mutation { endpointCreate(input: { url: "", eventTypes: [] }) { __typename } }',
  )

  expect(reply.status).toBe(200)
  expect(reply.errors).toMatchObject([
    {
      message: 'This key may not use Mutation.endpointCreate; its scopes: READ.',
      extensions: { code: 'FORBIDDEN' },
    },
  ])
})

test.each([
  ['PUBLISH', '{ endpoints(first: 1) { totalCount } }'],
  ['PUBLISH', '{ eventTypes(first: 1) { totalCount } }'],
  ['MANAGE', '{ workspaces(first: 1) { totalCount } }'],
  ['MANAGE', '{ apiKeys(first: 1) { totalCount } }'],
  ['MANAGE', 'mutation { workspaceCreate(input: { name: "x" }) { __typename } }'],
  ['MANAGE', 'mutation { eventTypeCreate(input: { name: "x" }) { __typename } }'],
])('%s does not open %s', async (scope, query) => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant({ scopes: [scope] })

  const reply = await client.send(query)

  expect(reply.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
})

test('a key without READ sees nothing through node', async () => {
  await using bundle = await openBundle()
  const { client, workspaceId } = await bundle.newTenant({ scopes: ['PUBLISH'] })
  const { id } = await addEndpoint(bundle.operator, { workspaceId })
  const wish = { workspaceId, name: 'reader', scopes: ['READ'] }
  const { key } = await bundle.operator.mutate('apiKeyCreate', wish, 'key')
  const query = `{ node(id: "${id}") { ... on Endpoint { url } } }`

  const withPublish = await client.send(query)
  const withRead = await bundle.clientOf(key).send(query)

  expect(withPublish.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  expect(withPublish.data).toEqual({ node: null })
  expect(withRead.data.node).toEqual({ url: 'https://example.com/hook' })
})

test('every key may know whose it is, and no more', async () => {
  await using bundle = await openBundle()
  const { client, workspaceId } = await bundle.newTenant({ scopes: ['PUBLISH'] })

  const own = await client.ask('{ viewer { workspace { id name } } }')
  const more = await client.send('{ viewer { workspace { endpoints(first: 1) { totalCount } } } }')

  expect(own.viewer.workspace).toEqual({ id: workspaceId, name: 'Acme' })
  expect(more.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
})

test('the schema is open without a key where configured', async () => {
  await using closed = await openBundle()
  await using open = await openBundle({ openIntrospection: true })
  const schemaQuery = '{ __schema { queryType { name } } __typename }'

  const refused = await closed.clientOf(null).send(schemaQuery)
  const shown = await open.clientOf(null).send(schemaQuery)
  const beyond = await open.clientOf(null).send('{ __typename viewer { scopes } }')

  expect(refused.status).toBe(401)
  expect(shown.data).toEqual({ __schema: { queryType: { name: 'Query' } }, __typename: 'Query' })
  expect(beyond.status).toBe(401)
  expect(beyond.errors).toMatchObject([{ message: 'Missing API key.' }])
})

/** The same key with another character in its random part. */
function mistyped(key: string): string {
  return key.slice(0, 5) + (key[5] === 'a' ? 'b' : 'a') + key.slice(6)
}

function withoutId(text: string): string {
  return text.replace(/,"requestId":"[^"]*"/, '')
}
