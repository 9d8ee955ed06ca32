import { afterAll, beforeAll, expect, test } from 'vitest'
import { publicId } from '../../src/rules/id.ts'
import type { DeliveryRow } from '../../src/store/publication.ts'
import { type Bundle, openBundle } from '../support/bundle.ts'
import { idOf, type LogTenant, newLogTenant } from '../support/log-tenant.ts'

let bundle: Bundle
let tenant: LogTenant

beforeAll(async () => {
  bundle = await openBundle()
  tenant = await newLogTenant(bundle)
})

afterAll(() => bundle[Symbol.asyncDispose]())

const fields = 'delivery { status attemptCount nextAttemptAt completedAt }'

const change = (name: 'deliveryRetry' | 'deliveryCancel', delivery: DeliveryRow) => {
  return tenant.client.mutate(name, { id: idOf(delivery) }, fields)
}

async function ended(result: 'SUCCEEDED' | 'HTTP_ERROR') {
  const delivery = await tenant.deliver()
  const status = result === 'SUCCEEDED' ? 'SUCCEEDED' : 'FAILED'
  await tenant.rows.attempt(delivery, { result, status, statusCode: 200 })
  return delivery
}

async function retrying() {
  const delivery = await tenant.deliver()
  await tenant.rows.attempt(delivery, { result: 'TIMEOUT' })
  return delivery
}

/** Its row in the work that is left, beside what the log says of it. */
async function work({ deliveryId }: DeliveryRow) {
  const { rows } = await bundle.database.pool.query(
    `select due.failures, due.attempt_trigger as trigger, due.attempt_count as attempts,
        coalesce(due.held_until, due.due_at) = delivery.next_attempt_at as "inStep"
      from due join delivery on delivery.id = due.delivery_id
      where due.delivery_id = $1`,
    [deliveryId],
  )
  return rows
}

test.each(['SUCCEEDED', 'HTTP_ERROR'] as const)(
  'a delivery that ended as %s is retried',
  async (end) => {
    const delivery = await ended(end)
    const before = Date.now()
    const { delivery: retried } = await change('deliveryRetry', delivery)
    expect(retried).toMatchObject({ status: 'RETRYING', attemptCount: 1, completedAt: null })
    expect(Date.parse(retried.nextAttemptAt)).toBeGreaterThanOrEqual(before)
    expect(Date.parse(retried.nextAttemptAt)).toBeLessThanOrEqual(Date.now())
    expect(await work(delivery)).toEqual([
      { failures: 0, trigger: 'MANUAL', attempts: 1, inStep: true },
    ])
  },
)

test('a delivery that waits for its retry is brought forward', async () => {
  const delivery = await retrying()
  const { delivery: retried } = await change('deliveryRetry', delivery)
  expect(Date.parse(retried.nextAttemptAt)).toBeLessThanOrEqual(Date.now())
  expect(await work(delivery)).toEqual([
    { failures: 0, trigger: 'MANUAL', attempts: 1, inStep: true },
  ])
})

test('retrying twice leaves one piece of work', async () => {
  const delivery = await ended('HTTP_ERROR')
  await Promise.all([change('deliveryRetry', delivery), change('deliveryRetry', delivery)])
  expect(await work(delivery)).toHaveLength(1)
})

test('a delivery that was never attempted is pending again', async () => {
  const delivery = await tenant.deliver({ status: 'SUPPRESSED' })
  const { delivery: retried } = await change('deliveryRetry', delivery)
  expect(retried).toMatchObject({ status: 'PENDING', attemptCount: 0 })
  expect(await work(delivery)).toMatchObject([{ inStep: true }])
})

test('a delivery that waits for its first attempt is not retried', async () => {
  const delivery = await tenant.deliver()
  expect(await change('deliveryRetry', delivery)).toMatchObject({
    __typename: 'InvalidStateError',
    code: 'INVALID_STATE',
  })
})

test('a result that comes after a retry is recorded', async () => {
  const delivery = await retrying()
  await change('deliveryRetry', delivery)
  await tenant.rows.attempt(delivery, { result: 'TIMEOUT' })
  expect(await work(delivery)).toMatchObject([{ attempts: 2, inStep: true }])
  await change('deliveryRetry', delivery)
  await tenant.rows.attempt(delivery, { result: 'SUCCEEDED', statusCode: 200 })
  expect(await work(delivery)).toEqual([])
})

test.each(['FAILED', 'RETRYING'] as const)(
  'an ordered delivery that is %s is retried in its place',
  async (status) => {
    const later = () => new Date(Date.now() + 600_000)
    await using ahead = await openBundle({ clock: { now: later } })
    const { rows, workspace, deliver, client } = await newLogTenant(ahead)
    const endpoint = await rows.addEndpoint(workspace)
    const { pool } = ahead.database
    await pool.query('update endpoint set ordered = true where id = $1', [endpoint])
    const first = await deliver({ endpointIds: [endpoint] })
    await rows.attempt(first, { result: 'TIMEOUT', status, keepsPlace: true })
    const at = new Date(Date.now() + 300_000)
    const second = await deliver({ endpointIds: [endpoint], at })
    await client.mutate('deliveryRetry', { id: idOf(first) })
    const { rows: line } = await pool.query(
      `select due.delivery_id, coalesce(held_until, due_at) = next_attempt_at as in_step
        from due join delivery on delivery.id = due.delivery_id
        where due.endpoint_id = $1 order by due.due_at`,
      [endpoint],
    )
    expect(line).toEqual([
      { delivery_id: first.deliveryId, in_step: true },
      { delivery_id: second.deliveryId, in_step: true },
    ])
  },
)

test.each(['endpointDisable', 'endpointDelete'])('after %s nothing is retried', async (name) => {
  const endpoint = await tenant.rows.addEndpoint(tenant.workspace)
  const delivery = await tenant.deliver({ endpointIds: [endpoint] })
  await tenant.rows.attempt(delivery, { result: 'HTTP_ERROR', status: 'FAILED', statusCode: 500 })
  await tenant.client.mutate(name, { id: publicId('wh', endpoint) })
  expect(await change('deliveryRetry', delivery)).toMatchObject({ code: 'INVALID_STATE' })
  expect(await work(delivery)).toEqual([])
})

test('a delivery with very many attempts is not retried', async () => {
  const delivery = await ended('HTTP_ERROR')
  await bundle.database.pool.query('update delivery set attempt_count = 4090 where id = $1', [
    delivery.deliveryId,
  ])
  expect(await change('deliveryRetry', delivery)).toMatchObject({ code: 'INVALID_STATE' })
})

test('a delivery that waits is cancelled', async () => {
  for (const delivery of [await tenant.deliver(), await retrying()]) {
    const { delivery: canceled } = await change('deliveryCancel', delivery)
    expect(canceled).toMatchObject({ status: 'CANCELED', nextAttemptAt: null })
    expect(Date.parse(canceled.completedAt)).toBeLessThanOrEqual(Date.now())
    expect(await work(delivery)).toEqual([])
  }
})

test('a delivery that ended is not cancelled', async () => {
  const delivery = await ended('SUCCEEDED')
  expect(await change('deliveryCancel', delivery)).toMatchObject({
    __typename: 'InvalidStateError',
    message: 'This delivery has ended: it is SUCCEEDED.',
  })
})

test('an attempt under way while its delivery is cancelled is logged', async () => {
  const delivery = await tenant.deliver()
  await change('deliveryCancel', delivery)
  await tenant.rows.attempt(delivery, { result: 'SUCCEEDED', statusCode: 200 })
  const { delivery: found } = await tenant.client.ask(
    'query ($id: ID!) { delivery(id: $id) { status attempts { result } } }',
    { id: idOf(delivery) },
  )
  expect(found).toEqual({ status: 'CANCELED', attempts: [{ result: 'SUCCEEDED' }] })
})

test.each(['deliveryRetry', 'deliveryCancel'] as const)(
  '%s finds no foreign delivery',
  async (name) => {
    const other = await newLogTenant(bundle)
    const foreign = idOf(await other.deliver())
    for (const id of [foreign, `${foreign.slice(0, -4)}0000`, 'nonsense']) {
      expect(await tenant.client.mutate(name, { id })).toEqual({
        __typename: 'NotFoundError',
        code: 'NOT_FOUND',
        message: 'Delivery not found.',
      })
    }
  },
)

test('a key that only reads changes nothing', async () => {
  const delivery = await tenant.deliver()
  const input = { workspaceId: tenant.workspaceId, name: 'reader', scopes: ['READ'] }
  const { key } = await bundle.operator.mutate('apiKeyCreate', input, 'key')
  const { errors } = await bundle
    .clientOf(key)
    .send('mutation ($id: ID!) { deliveryCancel(input: { id: $id }) { __typename } }', {
      id: idOf(delivery),
    })
  expect(errors[0]?.extensions.code).toBe('FORBIDDEN')
})
