import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Pool, Queryable } from '../../src/db.ts'
import { uuidOf } from '../../src/rules/id.ts'
import { untilBlocked } from '../support/blocked.ts'
import { openBundle } from '../support/bundle.ts'

const fields = `key apiKey {
  id name scopes prefix rateLimitPerMinute expiresAt lastUsedAt revokedAt workspace { id }
}`

test('a key is shown once and known by its beginning', async () => {
  await using bundle = await openBundle()
  const { workspaceId } = await bundle.newTenant()
  const input = { workspaceId, name: 'CI', scopes: ['READ', 'PUBLISH', 'READ'] }

  const { key, apiKey } = await bundle.operator.mutate('apiKeyCreate', input, fields)

  expect(key).toMatch(/^pr_[0-9a-z]{40}_[0-9a-z]{6}$/)
  expect(apiKey).toMatchObject({
    name: 'CI',
    scopes: ['READ', 'PUBLISH'],
    prefix: key.slice(0, 11),
    rateLimitPerMinute: 100_000,
    workspace: { id: workspaceId },
    expiresAt: null,
    lastUsedAt: null,
    revokedAt: null,
  })
  const { rows } = await bundle.database.pool.query('select * from api_key')
  expect(JSON.stringify(rows)).not.toContain(key)
})

test('an operator key has no workspace and no rate limit', async () => {
  await using bundle = await openBundle()
  const input = { name: 'second operator', scopes: ['OPERATOR'] }

  const { key, apiKey } = await bundle.operator.mutate('apiKeyCreate', input, fields)

  expect(apiKey).toMatchObject({ scopes: ['OPERATOR'], workspace: null, rateLimitPerMinute: 0 })
  const { viewer } = await bundle.clientOf(key).ask('{ viewer { scopes rateLimit { limit } } }')
  expect(viewer).toEqual({ scopes: ['OPERATOR'], rateLimit: { limit: 0 } })
})

test.each([
  [{ scopes: [] }, { path: ['scopes'], message: 'must have at least one.' }],
  [
    { scopes: ['OPERATOR', 'READ'] },
    { path: ['scopes'], message: 'OPERATOR is for keys without a workspace.' },
  ],
  [
    { scopes: ['READ'], workspaceId: null },
    { path: ['scopes'], message: 'a key without a workspace must have OPERATOR.' },
  ],
  [{ name: '' }, { path: ['name'], message: 'must not be blank.' }],
  [
    { expiresAt: '2020-01-01T00:00:00Z' },
    { path: ['expiresAt'], message: 'must be in the future.' },
  ],
  [
    { rateLimitPerMinute: -1 },
    {
      path: ['rateLimitPerMinute'],
      message: 'must be a whole number from 0 to 1000000; got -1.',
    },
  ],
])('refuses a key with %j', async (wrong, issue) => {
  await using bundle = await openBundle()
  const { workspaceId } = await bundle.newTenant()
  const input = { workspaceId, name: 'x', scopes: ['READ'], ...wrong }

  const refused = await bundle.operator.mutate('apiKeyCreate', input)

  expect(refused).toMatchObject({ __typename: 'ValidationError', issues: [issue] })
})

test('a key needs a workspace that exists', async () => {
  await using bundle = await openBundle()
  const input = { workspaceId: 'ws_01h455vb4pex5vsknk084sn02q', name: 'x', scopes: ['READ'] }

  const refused = await bundle.operator.mutate('apiKeyCreate', input)

  expect(refused).toMatchObject({ __typename: 'NotFoundError', message: 'Workspace not found.' })
})

test('revoking again changes nothing', async () => {
  let now = new Date('2026-03-19T10:00:00.000Z')
  await using bundle = await openBundle({ clock: { now: () => now } })
  const { keyId: id } = await bundle.newTenant()
  const first = await bundle.operator.mutate('apiKeyRevoke', { id }, 'apiKey { revokedAt }')
  now = new Date('2026-03-19T11:00:00.000Z')

  const second = await bundle.operator.mutate('apiKeyRevoke', { id }, 'apiKey { revokedAt }')

  expect(first.apiKey.revokedAt).toBe('2026-03-19T10:00:00.000Z')
  expect(second.apiKey.revokedAt).toBe('2026-03-19T10:00:00.000Z')
})

test('an unknown key is not found', async () => {
  await using bundle = await openBundle()

  const refused = await bundle.operator.mutate('apiKeyRevoke', { id: 'key_x' })

  expect(refused).toMatchObject({ __typename: 'NotFoundError', message: 'API key not found.' })
})

test("lists a workspace's keys, and the operator's own apart", async () => {
  await using bundle = await openBundle()
  const { workspaceId, keyId } = await bundle.newTenant()
  await bundle.newTenant()
  const input = { name: 'operator', scopes: ['OPERATOR'] }
  const { apiKey } = await bundle.operator.mutate('apiKeyCreate', input, fields)
  const query = `query ($workspaceId: ID) {
    apiKeys(workspaceId: $workspaceId, first: 10) { totalCount nodes { id } }
  }`

  const ofWorkspace = await bundle.operator.ask(query, { workspaceId })
  const ofOperator = await bundle.operator.ask(query)

  expect(ofWorkspace.apiKeys).toEqual({ totalCount: 1, nodes: [{ id: keyId }] })
  expect(ofOperator.apiKeys).toEqual({ totalCount: 1, nodes: [{ id: apiKey.id }] })
})

test('a key knows itself and no other key of its workspace', async () => {
  await using bundle = await openBundle()
  const { client, workspaceId, keyId } = await bundle.newTenant()
  const input = { workspaceId, name: 'another', scopes: ['READ'] }
  const { apiKey } = await bundle.operator.mutate('apiKeyCreate', input, fields)

  const { nodes } = await client.ask('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
    ids: [keyId, apiKey.id],
  })

  expect(nodes).toEqual([{ id: keyId }, null])
})

/** Live keys and two more: one has expired, one is revoked. */
const addKeys = (db: Queryable, workspaceId: string, liveCount: number) => {
  const insert = `insert into api_key (id, workspace_id, name, scopes, prefix, key_hash,
      rate_limit_per_minute, created_at, expires_at, revoked_at)
    select gen_random_uuid(), $1, 'n', '{READ}', 'pr_01234567', sha256($3 || n::text::bytea), 0,
      now(), case n when 1 then now() end, case n when 2 then now() end
    from generate_series(1, $2::int + 2) as n`
  return db.query(insert, [uuidOf('ws', workspaceId), liveCount, randomBytes(8)])
}

test('a workspace has at most 100 live keys', async () => {
  await using bundle = await openBundle()
  const { workspaceId, keyId } = await bundle.newTenant()
  await addKeys(bundle.database.pool, workspaceId, 98)
  const input = { workspaceId, name: 'one more', scopes: ['READ'] }
  const create = () => bundle.operator.mutate('apiKeyCreate', input, fields)
  expect(await create()).toMatchObject({ key: expect.any(String) })

  const message = 'This workspace has 100 API keys, the limit. Revoke one first.'
  expect((await create()).issues).toEqual([{ path: [], message }])

  await bundle.operator.mutate('apiKeyRevoke', { id: keyId })
  expect(await create()).toMatchObject({ key: expect.any(String) })
})

test('keys that are created at once keep to the limit', async () => {
  await using bundle = await openBundle()
  const { workspaceId } = await bundle.newTenant()
  await using other = await takeClient(bundle.database.pool)
  await other.client.query('begin')
  const lock = 'select from workspace where id = $1 for update'
  await other.client.query(lock, [uuidOf('ws', workspaceId)])
  await addKeys(other.client, workspaceId, 99)
  const input = { workspaceId, name: 'one more', scopes: ['READ'] }

  const creating = bundle.operator.mutate('apiKeyCreate', input, fields)
  await untilBlocked(bundle.database.pool, 'workspace')
  await other.client.query('commit')

  expect((await creating).issues).toMatchObject([{ path: [] }])
})

async function takeClient(pool: Pool) {
  const client = await pool.connect()
  return { client, [Symbol.asyncDispose]: async () => client.release(true) }
}
