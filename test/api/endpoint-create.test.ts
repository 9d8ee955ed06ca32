import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'
import { addEndpoint, anyEndpoint, endpointFields } from '../support/endpoints.ts'

test('creates an endpoint with what is usual', async () => {
  await using bundle = await openBundle()
  const { client, workspaceId } = await bundle.newTenant()

  const input = { url: 'https://EXAMPLE.com:443/hook', eventTypes: ['*'] }
  const created = await client.mutate('endpointCreate', input, `secret ${endpointFields}`)

  expect(created.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  expect(created.endpoint.id).toMatch(/^wh_/)
  expect(created.endpoint).toMatchObject({
    url: 'https://example.com/hook',
    eventTypes: ['*'],
    wireFormat: 'STANDARD_WEBHOOKS',
    status: 'ENABLED',
    disabledReason: null,
    headers: [],
    timeoutSeconds: 15,
    retrySchedule: [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400],
    rateLimitPerSecond: null,
    ordered: false,
    metadata: {},
    externalId: null,
    workspace: { id: workspaceId },
  })
})

test('creates an endpoint with everything given', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  await bundle.operator.mutate('eventTypeCreate', { name: 'invoice.paid' })
  const input = {
    url: 'http://127.0.0.1:4001/hook?x=1',
    eventTypes: ['invoice.paid', 'course.*', 'invoice.paid'],
    description: 'Ours.\nStill.',
    externalId: 'crm-1',
    wireFormat: 'TUTORFLOW',
    secret: 'sixteen letters!',
    headers: [
      { name: 'X-Team', value: 'billing' },
      { name: 'Authorization', value: 'Bearer hidden' },
    ],
    timeoutSeconds: 30,
    retrySchedule: [1, 2],
    rateLimitPerSecond: 5,
    ordered: true,
    metadata: { a: [1, { b: null }] },
  }

  const { endpoint, secret } = await addEndpoint(client, input)

  expect(secret).toBe('sixteen letters!')
  const { secret: _, ...shown } = input
  expect(endpoint).toMatchObject({
    ...shown,
    eventTypes: ['invoice.paid', 'course.*'],
    headers: [
      { name: 'X-Team', value: 'billing', redacted: false },
      { name: 'Authorization', value: 'REDACTED', redacted: true },
    ],
  })
})

test('secrets and header values are nowhere in the database', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const headers = [{ name: 'Authorization', value: 'Bearer hidden-value' }]

  const { secret } = await addEndpoint(client, { headers })

  const { rows } = await bundle.database.pool.query<{ stored: Buffer }>(
    `select secret_sealed || headers_sealed as stored
    from endpoint_secret join endpoint on endpoint.id = endpoint_id`,
  )
  const stored = rows.map((row) => row.stored.toString('latin1')).join()
  expect(stored.length).toBeGreaterThan(100)
  expect(stored).not.toContain(secret)
  expect(stored).not.toContain('hidden-value')
})

test('the schedule is that of the format unless given', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant({ wireFormat: 'TUTORFLOW' })

  const usual = await addEndpoint(client)
  const none = await addEndpoint(client, { retrySchedule: [] })

  expect(usual.endpoint).toMatchObject({ wireFormat: 'TUTORFLOW', retrySchedule: [5, 25, 125] })
  expect(none.endpoint.retrySchedule).toEqual([])
})

test.each([
  ['TRUTAC', undefined, 'PING'],
  ['GITHUB', false, null],
  ['STANDARD_WEBHOOKS', undefined, null],
  ['STRIPE', true, 'PING'],
])('a new %s endpoint with ping %s gets %s', async (wireFormat, ping, trigger) => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant({ wireFormat })

  const fields = 'pingDelivery { trigger eventType status event { payloadText } } endpoint { id }'
  const created = await client.mutate('endpointCreate', { ...anyEndpoint, ping }, fields)

  const payloadText = `{"endpointId":"${created.endpoint.id}"}`
  const delivery = { trigger, eventType: 'ping', status: 'PENDING', event: { payloadText } }
  expect(created.pingDelivery).toEqual(trigger === null ? null : delivery)
})

test.each([
  ['url', 'x', 'must start with https://.'],
  ['url', 'https://example.com/\n', 'contains white space'],
  ['eventTypes', [], 'must name at least one event type, or be ["*"].'],
  ['description', '\u202eevil', 'contains U+202E'],
  ['externalId', '', 'must not be blank.'],
  ['secret', 'whsec_AAAA', 'must be "whsec_" + base64 of 24 to 64 bytes; got 3 bytes.'],
  ['timeoutSeconds', 31, 'must be a whole number from 1 to 30; got 31.'],
  ['timeoutSeconds', 0, 'must be a whole number from 1 to 30; got 0.'],
  ['rateLimitPerSecond', 0, 'must be a whole number from 1 to 10000; got 0.'],
  ['retrySchedule', Array.from({ length: 21 }, () => 1), '21 retries, limit 20.'],
  ['metadata', [1], 'must be a JSON object.'],
  ['metadata', { a: '\0' }, 'contains a NUL character.'],
  ['metadata', { a: 'x'.repeat(16_384) }, 'limit 16384.'],
])('refuses an endpoint with %s %j', async (field, value, message) => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()

  const refused = await client.mutate('endpointCreate', { ...anyEndpoint, [field]: value })

  expect(refused).toMatchObject({ __typename: 'ValidationError' })
  expect(refused.issues).toHaveLength(1)
  expect(refused.issues[0].path[0]).toBe(field)
  expect(refused.issues[0].message).toContain(message)
})

test('says all that is wrong at once', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const wrong = { url: 'http://10.0.0.1/', eventTypes: ['b.*', 'no.such'], secret: 'whsec_AAAA' }

  const refused = await client.mutate('endpointCreate', { ...wrong, timeoutSeconds: 31 })

  const paths = refused.issues.map(({ path }: { path: string[] }) => path.join('.'))
  expect(refused.code).toBe('INVALID_INPUT')
  expect(paths.toSorted()).toEqual(['eventTypes.1', 'secret', 'timeoutSeconds', 'url'])
})

test('says where in a list something is wrong', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const wrong = {
    eventTypes: ['a.*', 'b..c'],
    headers: [
      { name: 'x-ok', value: 'v' },
      { name: 'Host', value: 'v' },
      { name: 'x-b', value: 'a\nb' },
    ],
    retrySchedule: [1, -1],
  }

  const refused = await client.mutate('endpointCreate', { ...anyEndpoint, ...wrong })

  expect(refused.issues.map(({ path }: { path: string[] }) => path)).toEqual([
    ['eventTypes', '1'],
    ['headers', '1', 'name'],
    ['headers', '2', 'value'],
    ['retrySchedule', '1'],
  ])
})

test.each([
  'http://10.0.0.1/',
  'http://169.254.169.254/latest',
  'https://example.com:25/',
  'ftp://example.com/',
])('does not allow the URL %s', async (url) => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()

  const refused = await client.mutate('endpointCreate', { ...anyEndpoint, url })

  expect(refused).toMatchObject({ __typename: 'UrlNotAllowedError', code: 'URL_NOT_ALLOWED' })
  expect(refused.message).toMatch(/^url: .*not (allowed|a public address)/)
})

test('an external id belongs to one endpoint of its workspace', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const other = await bundle.newTenant()
  const { id } = await addEndpoint(client, { externalId: 'crm-1' })

  const second = await client.mutate('endpointCreate', { ...anyEndpoint, externalId: 'crm-1' })

  expect(second).toEqual({
    __typename: 'ConflictError',
    code: 'CONFLICT',
    message: 'externalId: another endpoint of this workspace has "crm-1".',
  })
  await addEndpoint(other.client, { externalId: 'crm-1' })
  await client.mutate('endpointDelete', { id })
  await addEndpoint(client, { externalId: 'crm-1' })
})

test('of creations at the same time one gets the external id', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const create = () => client.mutate('endpointCreate', { ...anyEndpoint, externalId: 'crm-1' })

  const results = await Promise.all(Array.from({ length: 5 }, create))

  const conflicts = results.filter(({ code }) => code === 'CONFLICT')
  expect(conflicts).toHaveLength(4)
})

test('a workspace has at most its limit of endpoints', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client)
  await bundle.database.pool.query(
    `insert into endpoint (id, workspace_id, url, event_types, wire_format, status,
      timeout_seconds, retry_schedule, ordered, metadata, created_at, updated_at)
    select gen_random_uuid(), workspace_id, url, event_types, wire_format, status,
      timeout_seconds, retry_schedule, ordered, metadata, created_at, updated_at
    from endpoint, generate_series(1, 999)`,
  )

  const input = { ...anyEndpoint }
  const query = `mutation ($input: EndpointCreateInput!) {
    endpointCreate(input: $input) { ... on LimitExceededError { code message limit } }
  }`
  const { endpointCreate } = await client.ask(query, { input })

  expect(endpointCreate).toEqual({
    code: 'LIMIT_EXCEEDED',
    message: 'This workspace has 1000 endpoints, the limit.',
    limit: 1000,
  })
  await client.mutate('endpointDelete', { id })
  await addEndpoint(client)
})

test('an operator names the workspace', async () => {
  await using bundle = await openBundle()
  const { workspaceId } = await bundle.newTenant()

  const without = await bundle.operator.mutate('endpointCreate', anyEndpoint)
  const unknown = { ...anyEndpoint, workspaceId: 'ws_01h455vb4pex5vsknk084sn02q' }
  const elsewhere = await bundle.operator.mutate('endpointCreate', unknown)
  const { endpoint } = await addEndpoint(bundle.operator, { workspaceId })

  expect(without.issues).toEqual([
    { path: ['workspaceId'], message: 'is required with an operator key.' },
  ])
  expect(elsewhere).toMatchObject({ __typename: 'NotFoundError', message: 'Workspace not found.' })
  expect(endpoint.workspace.id).toBe(workspaceId)
})
