import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'

const query = '{ viewer { rateLimit { limit remaining resetAt } } }'

test('a key may make its requests in a minute and no more', async () => {
  let now = new Date('2026-03-19T10:00:15.000Z')
  await using bundle = await openBundle({
    clock: { now: () => now },
    config: { apiRateLimit: 2 },
  })
  const { client } = await bundle.newTenant()

  const first = await client.ask(query)
  const second = await client.ask(query)
  const third = await client.send(query)

  const resetAt = '2026-03-19T10:01:00.000Z'
  expect(first.viewer.rateLimit).toEqual({ limit: 2, remaining: 1, resetAt })
  expect(second.viewer.rateLimit).toEqual({ limit: 2, remaining: 0, resetAt })
  expect(third.status).toBe(429)
  expect(third.headers.get('retry-after')).toBe('45')
  expect(third.errors).toMatchObject([
    {
      message: 'Rate limit of 2 requests a minute for this key.',
      extensions: { code: 'RATE_LIMITED', limit: 2, retryable: true },
    },
  ])
  now = new Date('2026-03-19T10:01:00.000Z')
  expect((await client.send(query)).status).toBe(200)
})

test('one key does not use up the minute of another', async () => {
  await using bundle = await openBundle({ config: { apiRateLimit: 1 } })
  const one = await bundle.newTenant()
  const other = await bundle.newTenant()
  await one.client.ask(query)

  const refused = await one.client.send(query)
  const served = await other.client.send(query)

  expect(refused.status).toBe(429)
  expect(served.status).toBe(200)
})

test('an operator has no limit', async () => {
  await using bundle = await openBundle({ config: { apiRateLimit: 1 } })

  for (let request = 0; request < 3; request++) await bundle.operator.ask(query)

  const { viewer } = await bundle.operator.ask(query)
  expect(viewer.rateLimit).toMatchObject({ limit: 0, remaining: 0 })
})

test('a key without a limit of its own is never refused', async () => {
  await using bundle = await openBundle({ config: { apiRateLimit: 1 } })
  const { workspaceId } = await bundle.newTenant()
  const input = { workspaceId, name: 'fast', scopes: ['READ'], rateLimitPerMinute: 0 }
  const { key } = await bundle.operator.mutate('apiKeyCreate', input, 'key')

  for (let request = 0; request < 3; request++) await bundle.clientOf(key).ask(query)

  const { viewer } = await bundle.clientOf(key).ask(query)
  expect(viewer.rateLimit).toMatchObject({ limit: 0, remaining: 0 })
})
