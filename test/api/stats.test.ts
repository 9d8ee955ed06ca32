import { afterAll, beforeAll, expect, test } from 'vitest'
import { publicId } from '../../src/rules/id.ts'
import { type Bundle, openBundle } from '../support/bundle.ts'
import type { Json } from '../support/client.ts'
import { type LogTenant, newLogTenant } from '../support/log-tenant.ts'

let bundle: Bundle
let tenant: LogTenant

beforeAll(async () => {
  bundle = await openBundle()
  tenant = await newLogTenant(bundle)
  for (const [time, result, durationMs] of [
    ['09:59:59.999', 'SUCCEEDED', 1],
    ['10:00:00.000', 'SUCCEEDED', 10],
    ['10:30:00.000', 'SUCCEEDED', 20],
    ['10:59:59.999', 'TIMEOUT', 1000],
    ['12:15:00.000', 'HTTP_ERROR', 30],
    ['13:00:00.000', 'SUCCEEDED', 1],
  ] as const) {
    const delivery = await tenant.deliver()
    const startedAt = new Date(`2026-11-20T${time}Z`)
    const statusCode = result === 'TIMEOUT' ? {} : { statusCode: 200 }
    await tenant.rows.attempt(delivery, { result, startedAt, durationMs, ...statusCode })
  }
})

afterAll(() => bundle[Symbol.asyncDispose]())

const query = `query ($id: ID!, $since: DateTime, $until: DateTime, $bucket: StatsBucket) {
  endpoint(id: $id) { stats(since: $since, until: $until, bucket: $bucket) {
    attempts succeeded failed durationMsP50 durationMsP95
    buckets { start succeeded failed durationMsP50 durationMsP95 }
  } }
}`

async function stats(args: object): Promise<Json> {
  const id = publicId('wh', tenant.endpoint)
  return (await tenant.client.ask(query, { id, ...args })).endpoint.stats
}

const at = (time: string) => `2026-11-20T${time}.000Z`

test('attempts are counted in bars without holes', async () => {
  const range = { since: at('10:00:00'), until: at('13:00:00'), bucket: 'HOUR' }
  expect(await stats(range)).toEqual({
    attempts: 4,
    succeeded: 2,
    failed: 2,
    durationMsP50: 20,
    durationMsP95: 1000,
    buckets: [
      { start: at('10:00:00'), succeeded: 2, failed: 1, durationMsP50: 20, durationMsP95: 1000 },
      { start: at('11:00:00'), succeeded: 0, failed: 0, durationMsP50: null, durationMsP95: null },
      { start: at('12:00:00'), succeeded: 0, failed: 1, durationMsP50: 30, durationMsP95: 30 },
    ],
  })
})

test('the first bar holds only what is in the range', async () => {
  const found = await stats({ since: at('10:15:00'), until: at('11:00:00'), bucket: 'HOUR' })
  expect(found.buckets).toEqual([
    { start: at('10:00:00'), succeeded: 1, failed: 1, durationMsP50: 20, durationMsP95: 1000 },
  ])
})

test('the last day in hours is shown unless asked otherwise', async () => {
  const { attempts, durationMsP50, buckets } = await stats({})
  expect({ attempts, durationMsP50 }).toEqual({ attempts: 0, durationMsP50: null })
  expect(buckets.length).toBeGreaterThanOrEqual(24)
  expect(buckets.length).toBeLessThanOrEqual(25)
})

test.each([
  ['10:00:00', '13:00:00', 180],
  ['09:00:00', '14:00:00', 5],
])('the width of bars follows the range from %s to %s', async (since, until, bars) => {
  const { buckets } = await stats({ since: at(since), until: at(until) })
  expect(buckets).toHaveLength(bars)
})

test.each([
  [{ since: at('11:00:00'), until: at('10:00:00') }, 'since'],
  [{ since: at('10:00:00'), until: at('10:00:00') }, 'since'],
  [{ since: '0001-01-01T00:00:00Z', until: at('10:00:00'), bucket: 'MINUTE' }, 'bucket'],
])('a range of %j is refused', async (args, field) => {
  const id = publicId('wh', tenant.endpoint)
  const { errors } = await tenant.client.send(query, { id, ...args })
  expect(errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field })
})
