import { afterEach, beforeEach, expect, test } from 'vitest'
import { Webhook } from 'standardwebhooks'
import { windowStart } from '../../src/limits.ts'
import { type Gate, newGate } from '../support/gate.ts'
import { type Platform, startPlatform } from '../support/platform.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'

/* What people change while deliveries wait or are on their way. */

let resources: AsyncDisposableStack
let platform: Platform
let receiver: Receiver
let gate: Gate

beforeEach(async () => {
  resources = new AsyncDisposableStack()
  receiver = resources.use(await startReceiver())
  gate = newGate()
  receiver.answer(gate.script)
  platform = resources.use(await startPlatform())
})

afterEach(() => resources.disposeAsync())

const hour = { retrySchedule: [3600, 3600] }

const mutate = (name: string, id: string, input: object = {}) => {
  return platform.client.mutate(name, { id, ...input })
}

async function onlyDelivery() {
  const [delivery] = await platform.deliveries()
  return delivery
}

test('a retry during an attempt makes one more after it', async () => {
  await platform.addEndpoint(receiver.url, hour)
  await platform.publish()
  gate.answer(500)
  await platform.watch.untilStatus('RETRYING')
  const { id } = await onlyDelivery()
  await mutate('deliveryRetry', id)
  await receiver.until(2)
  await mutate('deliveryRetry', id)
  expect(gate.waiting()).toBe(1)
  gate.answer(500)
  await receiver.until(3)
  gate.answer(200)
  await platform.watch.untilStatus('SUCCEEDED')
  const { attempts } = await onlyDelivery()
  const triggers = attempts.map((attempt: { trigger: string }) => attempt.trigger)
  expect(triggers).toEqual(['SCHEDULED', 'MANUAL', 'MANUAL'])
})

test('a failed delivery that is retried begins its schedule anew', async () => {
  await platform.addEndpoint(receiver.url, { retrySchedule: [] })
  await platform.publish()
  gate.answer(500)
  await platform.watch.untilStatus('FAILED')
  const { id } = await onlyDelivery()
  gate.open(200)
  await mutate('deliveryRetry', id)
  await platform.watch.untilStatus('SUCCEEDED')
  expect(await onlyDelivery()).toMatchObject({ status: 'SUCCEEDED', attemptCount: 2 })
})

test('a cancel during an attempt stays, and the attempt is logged', async () => {
  await platform.addEndpoint(receiver.url, hour)
  await platform.publish()
  await receiver.until(1)
  const { id } = await onlyDelivery()
  await mutate('deliveryCancel', id)
  gate.answer(200)
  await platform.watch.until((all) => all.some(({ attemptNumber }) => attemptNumber === 1))
  const canceled = await onlyDelivery()
  expect(canceled).toMatchObject({ status: 'CANCELED', attemptCount: 1 })
  expect(canceled.attempts).toMatchObject([{ number: 1, result: 'SUCCEEDED' }])
})

test('what is cancelled before its attempt is not sent', async () => {
  await platform.addEndpoint(receiver.url, hour)
  await platform.publishMany(windowStart + 2)
  await receiver.until(windowStart)
  const waiting = (await platform.deliveries()).slice(windowStart)
  for (const { id } of waiting.slice(0, 1)) await mutate('deliveryCancel', id)
  gate.open(200)
  await platform.watch.untilStatus('SUCCEEDED', windowStart + 1)
  const bodies = receiver.requests.map(({ body }) => body.toString())
  expect(bodies).not.toContain(`{"n":${windowStart}}`)
  expect(bodies).toHaveLength(windowStart + 1)
})

test('what waits for a deleted endpoint is cancelled', async () => {
  const { id } = await platform.addEndpoint(receiver.url, hour)
  await platform.publishMany(windowStart + 20)
  await receiver.until(windowStart)
  await mutate('endpointDelete', id)
  await platform.watch.untilStatus('CANCELED', windowStart + 20)
  gate.open(200)
  await platform.watch.until((all) => {
    return all.filter(({ attemptNumber }) => attemptNumber === 1).length === windowStart
  })
  expect(receiver.requests).toHaveLength(windowStart)
  const statuses = (await platform.deliveries()).map(({ status }) => status)
  expect(new Set(statuses)).toEqual(new Set(['CANCELED']))
})

test('what waits for a disabled endpoint goes on when enabled', async () => {
  const { id } = await platform.addEndpoint(receiver.url, hour)
  await platform.publishMany(windowStart + 5)
  await receiver.until(windowStart)
  await mutate('endpointDisable', id)
  gate.open(200)
  await platform.watch.untilStatus('SUCCEEDED', windowStart)
  await platform.publish()
  await platform.watch.untilStatus('SUPPRESSED')
  expect(receiver.requests).toHaveLength(windowStart)
  await mutate('endpointEnable', id)
  await platform.watch.untilStatus('SUCCEEDED', windowStart + 5)
})

test('a new URL holds from the next attempt on', async () => {
  await using moved = await startReceiver()
  const { id } = await platform.addEndpoint(receiver.url, hour)
  await platform.publishMany(windowStart + 3)
  await receiver.until(windowStart)
  await mutate('endpointUpdate', id, { url: moved.url })
  await platform.publish()
  gate.open(200)
  await moved.until(4)
  await platform.watch.untilStatus('SUCCEEDED', windowStart + 4)
  expect(receiver.requests).toHaveLength(windowStart)
})

test('a new secret signs from the next attempt on', async () => {
  gate.open(200)
  const { id, secret } = await platform.addEndpoint(receiver.url)
  await platform.publish()
  const first = await receiver.next()
  const fields = 'secret'
  const rotated = await platform.client.mutate(
    'endpointSecretRotate',
    { id, previousSecretTtlSeconds: 0 },
    fields,
  )
  await platform.publish()
  const second = await receiver.next()
  const verify = (key: string, { body, headers }: typeof first) => {
    return new Webhook(key).verify(body, headers as Record<string, string>)
  }
  expect(verify(secret, first)).toEqual({ n: 1 })
  expect(verify(rotated.secret, second)).toEqual({ n: 1 })
  expect(() => verify(secret, second)).toThrow()
})

test.each([
  ['secret', 'update endpoint_secret set secret_sealed = $1 where endpoint_id = $2'],
  ['headers', 'update endpoint set headers_sealed = $1, version = version + 1 where id = $2'],
])('%s that cannot be read fail in sight and harm nobody', async (_, damage) => {
  await using other = await startReceiver()
  await platform.addEndpoint(receiver.url, hour)
  await platform.addEndpoint(other.url)
  const { rows } = await platform.bundle.database.pool.query(
    'select id from endpoint where url = $1',
    [receiver.url],
  )
  await platform.bundle.database.pool.query(damage, [Buffer.from('damaged'), rows[0].id])
  await platform.publish()
  await other.next()
  await platform.watch.untilStatus('RETRYING')
  const failed = (await platform.deliveries()).find(({ status }) => status === 'RETRYING')
  expect(failed.attempts).toMatchObject([
    { result: 'CONNECTION_ERROR', errorMessage: expect.stringContaining('cannot be decrypted') },
  ])
  expect(receiver.requests).toHaveLength(0)
})

test('an event that retention has removed fails in sight', async () => {
  await platform.addEndpoint(receiver.url, { retrySchedule: [0] })
  await platform.publish()
  await receiver.until(1)
  await platform.bundle.database.pool.query('delete from event')
  gate.answer(500)
  await platform.watch.untilStatus('FAILED')
  const { rows } = await platform.bundle.database.pool.query(
    'select error_message from attempt order by number',
  )
  expect(rows.at(-1).error_message).toContain('the payload of the event was removed')
})
