import { expect, test } from 'vitest'
import { type Bundle, openBundle } from '../support/bundle.ts'
import type { Client, Json } from '../support/client.ts'
import { addEndpoint } from '../support/endpoints.ts'

const entryFields = `id action workspaceId targetId before after createdAt
  actor { type apiKeyId apiKeyName }`

async function entries(client: Client, filter: object = {}, workspaceId?: string): Promise<Json> {
  const query = `query ($filter: AuditLogFilter, $workspaceId: ID) {
    auditLog(first: 100, filter: $filter, workspaceId: $workspaceId) { nodes { ${entryFields} } }
  }`
  return (await client.ask(query, { filter, workspaceId })).auditLog.nodes
}

const actionsOf = (nodes: readonly Json[]) => nodes.map(({ action }) => action).toReversed()

test('everything that is set up is noted with who did it', async () => {
  await using bundle = await openBundle()
  const { client, workspaceId, keyId } = await bundle.newTenant({ name: 'Acme' })
  const { id } = await addEndpoint(client)
  await client.mutate('endpointUpdate', { id, description: 'Ours', timeoutSeconds: 20 })
  await client.mutate('endpointDisable', { id })
  await client.mutate('endpointEnable', { id })
  await client.mutate('endpointSecretRotate', { id })
  await client.mutate('endpointDelete', { id })
  await bundle.operator.mutate('workspaceUpdate', { id: workspaceId, name: 'New' })

  const all = await entries(client)

  expect(actionsOf(all)).toEqual([
    ...['WORKSPACE_CREATED', 'API_KEY_CREATED', 'ENDPOINT_CREATED', 'ENDPOINT_UPDATED'],
    ...['ENDPOINT_DISABLED', 'ENDPOINT_ENABLED', 'ENDPOINT_SECRET_ROTATED', 'ENDPOINT_DELETED'],
    'WORKSPACE_UPDATED',
  ])
  const [renamed, deleted] = all
  expect(renamed).toMatchObject({
    ...{ workspaceId, targetId: workspaceId, before: { name: 'Acme' }, after: { name: 'New' } },
    actor: { type: 'OPERATOR', apiKeyId: null, apiKeyName: null },
  })
  expect(deleted).toMatchObject({
    ...{ targetId: id, before: { description: 'Ours' }, after: null },
    actor: { type: 'API_KEY', apiKeyId: keyId, apiKeyName: 'test' },
  })
  const [updated] = await entries(client, { actions: ['ENDPOINT_UPDATED'] })
  expect(updated).toMatchObject({
    before: { description: null, timeoutSeconds: 15 },
    after: { description: 'Ours', timeoutSeconds: 20 },
  })
})

test('neither secrets nor values of headers are in the log', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const secret = 'whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0'
  const headers = (value: string) => [
    { name: 'authorization', value },
    { name: 'x-team', value: 'blue' },
  ]
  const { id } = await addEndpoint(client, { secret, headers: headers('Basic first') })
  await client.mutate('endpointUpdate', { id, headers: headers('Basic second') })
  const next = 'whsec_bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3'
  await client.mutate('endpointSecretRotate', { id, secret: next })

  const { rows } = await bundle.database.pool.query('select * from audit_entry')

  expect(JSON.stringify(rows)).not.toMatch(/Basic|blue|whsec_|pr_[0-9a-z]{40}/)
  const [updated] = await entries(client, { actions: ['ENDPOINT_UPDATED'] })
  const shown = ['authorization', 'x-team'].map((name) => ({ name, value: 'REDACTED' }))
  expect(updated).toMatchObject({ before: { headers: shown }, after: { headers: shown } })
})

test('what is refused or changes nothing is not noted', async () => {
  await using bundle = await openBundle()
  const { client, keyId } = await bundle.newTenant()
  const { id } = await addEndpoint(client)
  await bundle.operator.mutate('apiKeyRevoke', { id: keyId })
  const count = (await entries(bundle.operator)).length

  await bundle.operator.mutate('apiKeyRevoke', { id: keyId })
  await bundle.operator.mutate('endpointEnable', { id })
  await bundle.operator.mutate('endpointUpdate', { id, timeoutSeconds: 15 })
  await bundle.operator.mutate('endpointUpdate', { id, eventTypes: ['nowhere.known'] })
  await bundle.operator.mutate('workspaceCreate', { name: '' })

  expect(await entries(bundle.operator)).toHaveLength(count)
})

test('the operator sees all workspaces, and the catalogue', async () => {
  await using bundle = await openBundle()
  const one = await bundle.newTenant()
  const other = await bundle.newTenant()
  await bundle.operator.mutate('eventTypeCreate', { name: 'invoice.paid' })
  await bundle.operator.mutate('eventTypeUpdate', { name: 'invoice.paid', status: 'RESERVED' })

  const all = await entries(bundle.operator)
  const ofOne = await entries(bundle.operator, {}, one.workspaceId)

  const workspaces = new Set(all.map((entry: Json) => entry.workspaceId))
  expect(workspaces).toEqual(new Set([one.workspaceId, other.workspaceId, null]))
  expect(actionsOf(ofOne)).toEqual(['WORKSPACE_CREATED', 'API_KEY_CREATED'])
  expect(all[0]).toMatchObject({
    action: 'EVENT_TYPE_UPDATED',
    before: { status: 'ACTIVE' },
    after: { status: 'RESERVED' },
  })
})

test.each([
  ['actions', () => ({ actions: ['API_KEY_CREATED'] }), ['API_KEY_CREATED']],
  ['a target', ({ id }: Ids) => ({ targetId: id }), ['ENDPOINT_CREATED', 'ENDPOINT_DELETED']],
  ['a key', ({ keyId }: Ids) => ({ apiKeyId: keyId }), ['ENDPOINT_CREATED', 'ENDPOINT_DELETED']],
  ['an id that is none', () => ({ targetId: 'nothing' }), []],
  ['a time to come', () => ({ since: '2100-01-01T00:00:00Z' }), []],
  ['a time gone by', () => ({ until: '2020-01-01T00:00:00Z' }), []],
])('entries are found by %s', async (_name, filterOf, expected) => {
  await using bundle = await openBundle()
  const { client, keyId } = await bundle.newTenant()
  const { id } = await addEndpoint(client)
  await client.mutate('endpointDelete', { id })

  expect(actionsOf(await entries(client, filterOf({ id, keyId })))).toEqual(expected)
})

type Ids = { readonly id: string; readonly keyId: string }

test('pages of the log follow each other', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  await addEndpoint(client)
  const query = `query ($after: String) {
    auditLog(first: 2, after: $after) { nodes { action } pageInfo { hasNextPage endCursor } }
  }`

  const first = (await client.ask(query)).auditLog
  const second = (await client.ask(query, { after: first.pageInfo.endCursor })).auditLog

  expect([...first.nodes, ...second.nodes].map(({ action }) => action)).toEqual([
    ...['ENDPOINT_CREATED', 'API_KEY_CREATED', 'WORKSPACE_CREATED'],
  ])
  expect([first.pageInfo.hasNextPage, second.pageInfo.hasNextPage]).toEqual([true, false])
})

test("another workspace's entries are not there", async () => {
  await using bundle = await openBundle()
  const one = await bundle.newTenant()
  const other = await bundle.newTenant()
  const { id } = await addEndpoint(other.client)
  const [entry] = await entries(other.client)
  const query = 'query ($id: ID!) { node(id: $id) { id } }'

  expect(await entries(one.client, { targetId: id })).toEqual([])
  expect(await one.client.ask(query, { id: entry.id })).toEqual({ node: null })
  expect(await other.client.ask(query, { id: entry.id })).toEqual({ node: { id: entry.id } })
  const asked = await one.client.send(`{
    auditLog(first: 1, workspaceId: "${other.workspaceId}") { nodes { id } }
  }`)
  expect(asked.errors).toMatchObject([{ message: 'Workspace not found.' }])
})

test("a workspace does not see the operator's keys", async () => {
  await using bundle = await openBundle()
  const { client, workspaceId: id } = await bundle.newTenant()
  const operator = await secondOperator(bundle)
  await operator.client.mutate('workspaceUpdate', { id, name: 'New' })
  const filter = { actions: ['WORKSPACE_UPDATED'] }

  const [ours] = await entries(client, filter)
  const [theirs] = await entries(bundle.operator, filter)

  expect(ours.actor).toEqual({ type: 'OPERATOR', apiKeyId: null, apiKeyName: null })
  expect(theirs.actor).toEqual({ type: 'OPERATOR', apiKeyId: operator.id, apiKeyName: 'second' })
})

async function secondOperator({ operator, clientOf }: Bundle) {
  const input = { name: 'second', scopes: ['OPERATOR'] }
  const { key, apiKey } = await operator.mutate('apiKeyCreate', input, 'key apiKey { id }')
  return { id: apiKey.id, client: clientOf(key) }
}

test('a key that may only read does not see the log', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant({ scopes: ['READ', 'PUBLISH'] })

  const { errors } = await client.send('{ auditLog(first: 1) { nodes { id } } }')

  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
})

test('a change and its entry are stored together or not at all', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client)
  await bundle.database.pool.query(
    "alter table audit_entry add check (action <> 'ENDPOINT_UPDATED') not valid",
  )

  const { errors } = await client.send(
    `mutation { endpointUpdate(input: { id: "${id}", timeoutSeconds: 3 }) { __typename } }`,
  )

  expect(errors).toHaveLength(1)
  const query = 'query ($id: ID!) { endpoint(id: $id) { timeoutSeconds } }'
  expect((await client.ask(query, { id })).endpoint.timeoutSeconds).toBe(15)
})

test('replays are noted with what they are of', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id: endpointId } = await addEndpoint(client)
  const since = new Date(Date.now() - 60_000).toISOString()
  const input = { endpointId, createdAt: { since }, statuses: ['FAILED'] }
  const { replay } = await client.mutate('deliveriesReplay', input, 'replay { id }')
  await client.mutate('replayCancel', { id: replay.id })

  const noted = await entries(client, { targetId: replay.id })

  expect(actionsOf(noted)).toEqual(['REPLAY_STARTED', 'REPLAY_CANCELED'])
  expect(noted[1].after).toMatchObject({ endpointId, createdAt: { since }, statuses: ['FAILED'] })
})
