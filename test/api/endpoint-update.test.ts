import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'
import { addEndpoint, endpointFields } from '../support/endpoints.ts'

test('changes what is given, clears what is null, keeps the rest', async () => {
  let now = new Date('2026-03-19T10:00:00.000Z')
  await using bundle = await openBundle({ clock: { now: () => now } })
  const { client } = await bundle.newTenant()
  const { id, endpoint } = await addEndpoint(client, {
    description: 'Old.',
    rateLimitPerSecond: 5,
    externalId: 'kept',
    metadata: { kept: true },
    headers: [{ name: 'x-a', value: '1' }],
  })
  now = new Date('2026-03-19T10:00:01.000Z')
  const changes = {
    id,
    url: 'https://example.org/new',
    description: null,
    rateLimitPerSecond: null,
    headers: [{ name: 'x-b', value: '2' }],
    ordered: true,
  }

  const updated = await client.mutate('endpointUpdate', changes, endpointFields)

  expect(updated.endpoint).toEqual({
    ...endpoint,
    ...changes,
    headers: [{ name: 'x-b', value: '2', redacted: false }],
    updatedAt: '2026-03-19T10:00:01.000Z',
  })
})

test('an empty list of headers removes them', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client, { headers: [{ name: 'x-a', value: '1' }] })

  const { endpoint } = await client.mutate('endpointUpdate', { id, headers: [] }, endpointFields)

  expect(endpoint.headers).toEqual([])
})

test.each([
  [{}, [], 'Nothing to update.'],
  [{ url: null }, ['url'], 'must not be null.'],
  [{ eventTypes: null }, ['eventTypes'], 'must not be null.'],
  [{ headers: null }, ['headers'], 'must not be null.'],
  [{ metadata: null }, ['metadata'], 'must not be null.'],
  [{ retrySchedule: null }, ['retrySchedule'], 'must not be null.'],
  [{ ordered: null }, ['ordered'], 'must not be null.'],
  [{ timeoutSeconds: 31 }, ['timeoutSeconds'], 'must be a whole number from 1 to 30; got 31.'],
])('refuses the update %j', async (changes, path, message) => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client)

  const refused = await client.mutate('endpointUpdate', { id, ...changes })

  expect(refused).toMatchObject({ __typename: 'ValidationError', issues: [{ path, message }] })
})

test('does not allow every URL', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client)

  const refused = await client.mutate('endpointUpdate', { id, url: 'http://192.168.0.1/' })

  expect(refused).toMatchObject({ __typename: 'UrlNotAllowedError' })
})

test('another format must take the present secret', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant({ wireFormat: 'GITHUB' })
  const { id } = await addEndpoint(client, { secret: 'sixteen letters!' })
  const change = { id, wireFormat: 'STANDARD_WEBHOOKS' }

  const refused = await client.mutate('endpointUpdate', change)
  await client.mutate('endpointSecretRotate', { id, previousSecretTtlSeconds: 0 })
  const changed = await client.mutate('endpointUpdate', change, endpointFields)

  expect(refused.issues).toEqual([
    {
      path: ['wireFormat'],
      message:
        'STANDARD_WEBHOOKS does not take the present secret: must be "whsec_" + base64 of 24 to ' +
        '64 bytes; got another prefix. Rotate it first.',
    },
  ])
  expect(changed.endpoint.wireFormat).toBe('STANDARD_WEBHOOKS')
})

test('another format must take the old secrets that still sign', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant({ wireFormat: 'STRIPE' })
  const { id } = await addEndpoint(client, { secret: 'sixteen letters!' })
  await client.mutate('endpointSecretRotate', { id })

  const refused = await client.mutate('endpointUpdate', { id, wireFormat: 'STANDARD_WEBHOOKS' })

  expect(refused.issues[0].message).toContain('does not take an old secret that still signs')
})

test('the usual schedule goes with the format, an own one stays', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const usual = await addEndpoint(client)
  const own = await addEndpoint(client, { retrySchedule: [7] })
  const change = { wireFormat: 'TUTORFLOW' }

  const first = await client.mutate('endpointUpdate', { id: usual.id, ...change }, endpointFields)
  const second = await client.mutate('endpointUpdate', { id: own.id, ...change }, endpointFields)

  expect(first.endpoint.retrySchedule).toEqual([5, 25, 125])
  expect(second.endpoint.retrySchedule).toEqual([7])
})

test('every change raises the versions that caches compare', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const versions = async () => {
    const { rows } = await bundle.database.pool.query(
      `select subscriptions_version::int as subscriptions, endpoint.version::int as endpoint
      from workspace join endpoint on endpoint.workspace_id = workspace.id`,
    )
    return rows[0]
  }
  const { id } = await addEndpoint(client)
  expect(await versions()).toEqual({ subscriptions: 1, endpoint: 0 })

  await client.mutate('endpointUpdate', { id, ordered: true })
  await client.mutate('endpointDisable', { id })
  await client.mutate('endpointEnable', { id })
  await client.mutate('endpointSecretRotate', { id })

  expect(await versions()).toEqual({ subscriptions: 5, endpoint: 4 })
})
