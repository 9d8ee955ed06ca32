import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'
import { addEndpoint } from '../support/endpoints.ts'
import { startReceiver } from '../support/receiver.ts'

const fields = 'secret previousSecretExpiresAt endpoint { id }'

test('a rotated secret is new, and the old one signs for a day', async () => {
  const now = new Date('2026-03-19T10:00:00.000Z')
  await using bundle = await openBundle({ clock: { now: () => now } })
  const { client } = await bundle.newTenant()
  const { id, secret } = await addEndpoint(client)

  const rotated = await client.mutate('endpointSecretRotate', { id }, fields)

  expect(rotated.secret).toMatch(/^whsec_/)
  expect(rotated.secret).not.toBe(secret)
  expect(rotated.previousSecretExpiresAt).toBe('2026-03-20T10:00:00.000Z')
  expect(await expiries(bundle)).toEqual(['2026-03-20T10:00:00.000Z', null])
})

test('0 seconds revoke the old secret at once', async () => {
  const now = new Date('2026-03-19T10:00:00.000Z')
  await using bundle = await openBundle({ clock: { now: () => now } })
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client)
  const input = { id, previousSecretTtlSeconds: 0, secret: `whsec_${'A'.repeat(32)}` }

  const rotated = await client.mutate('endpointSecretRotate', input, fields)

  expect(rotated).toMatchObject({
    secret: `whsec_${'A'.repeat(32)}`,
    previousSecretExpiresAt: '2026-03-19T10:00:00.000Z',
  })
  expect(await expiries(bundle)).toEqual([null])
})

test('rotations at the same time leave one current secret', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client)

  const rotate = () => client.mutate('endpointSecretRotate', { id }, fields)
  const rotated = await Promise.all(Array.from({ length: 5 }, rotate))

  expect(new Set(rotated.map(({ secret }) => secret)).size).toBe(5)
  const times = await expiries(bundle)
  expect(times).toHaveLength(6)
  expect(times.filter((time) => time === null)).toHaveLength(1)
})

test('expired secrets go with the next rotation', async () => {
  let now = new Date('2026-03-19T10:00:00.000Z')
  await using bundle = await openBundle({ clock: { now: () => now } })
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client)
  await client.mutate('endpointSecretRotate', { id, previousSecretTtlSeconds: 60 })
  now = new Date('2026-03-19T10:01:00.000Z')

  await client.mutate('endpointSecretRotate', { id, previousSecretTtlSeconds: 60 })

  expect(await expiries(bundle)).toEqual(['2026-03-19T10:02:00.000Z', null])
})

test('only so many old secrets sign at a time', async () => {
  const now = new Date('2026-03-19T10:00:00.000Z')
  await using bundle = await openBundle({ clock: { now: () => now } })
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client)
  for (let rotation = 1; rotation <= 10; rotation++) {
    const input = { id, previousSecretTtlSeconds: 60 * rotation }
    expect(await client.mutate('endpointSecretRotate', input, fields)).toHaveProperty('secret')
  }

  const refused = await client.mutate('endpointSecretRotate', { id })

  expect(refused.issues).toEqual([
    {
      path: [],
      message: 'At most 10 old secrets; the next one expires at 2026-03-19T10:01:00.000Z.',
    },
  ])
  expect(await expiries(bundle)).toHaveLength(11)
})

test.each([
  ['secret', 'short', 'must be "whsec_" + base64 of 24 to 64 bytes; got another prefix.'],
  ['previousSecretTtlSeconds', -1, 'must be a whole number from 0 to 2592000; got -1.'],
  ['previousSecretTtlSeconds', 2_592_001, 'must be a whole number from 0 to 2592000; got 2592001.'],
])('refuses a rotation with %s %j', async (field, value, message) => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client)

  const refused = await client.mutate('endpointSecretRotate', { id, [field]: value })

  expect(refused.issues).toEqual([{ path: [field], message }])
  expect(await expiries(bundle)).toEqual([null])
})

/** Of all secrets, the current one last. */
async function expiries({ database }: Awaited<ReturnType<typeof openBundle>>) {
  const { rows } = await database.pool.query<{ at: Date | null }>(
    'select expires_at as at from endpoint_secret order by expires_at nulls last',
  )
  return rows.map(({ at }) => at?.toISOString() ?? null)
}

test('a receiver can verify with the old secret and the new', async () => {
  await using bundle = await openBundle({ delivers: true })
  await using receiver = await startReceiver()
  const { client } = await bundle.newTenant()
  const headers = [{ name: 'X-Team', value: 'billing' }]
  const { id, secret: old } = await addEndpoint(client, { url: receiver.url, headers })
  const rotated = await client.mutate('endpointSecretRotate', { id }, fields)

  await client.mutate('endpointPing', { id })
  const request = await receiver.next()

  const body = request.body.toString()
  expect(request.headers['x-team']).toBe('billing')
  for (const secret of [old, rotated.secret]) {
    const verify = () => new Webhook(secret).verify(body, request.headers as Record<string, string>)
    expect(verify()).toEqual({ endpointId: id })
  }
  expect(String(request.headers['webhook-signature']).split(' ')).toHaveLength(2)
})

test('a secret that was revoked at once signs nothing more', async () => {
  await using bundle = await openBundle({ delivers: true })
  await using receiver = await startReceiver()
  const { client } = await bundle.newTenant()
  const { id, secret: old } = await addEndpoint(client, { url: receiver.url })
  await client.mutate('endpointSecretRotate', { id, previousSecretTtlSeconds: 0 })

  await client.mutate('endpointPing', { id })
  const request = await receiver.next()

  const headers = request.headers as Record<string, string>
  expect(() => new Webhook(old).verify(request.body.toString(), headers)).toThrow(/signature/i)
})
