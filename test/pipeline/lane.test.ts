import { afterEach, beforeEach, expect, test } from 'vitest'
import { circuitFailuresMax, windowStart } from '../../src/limits.ts'
import { newGate } from '../support/gate.ts'
import { type KeptLog, keepLog } from '../support/log-lines.ts'
import { type AddedEndpoint, type Platform, startPlatform } from '../support/platform.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { type MovableClock, movableClock } from '../support/time.ts'

let resources: AsyncDisposableStack
let platform: Platform
let receiver: Receiver
let clock: MovableClock
let kept: KeptLog

beforeEach(async () => {
  resources = new AsyncDisposableStack()
  receiver = resources.use(await startReceiver())
  clock = movableClock()
  kept = keepLog()
  platform = resources.use(await startPlatform({ clock, log: kept.log }))
})

afterEach(() => resources.disposeAsync())

const invoices = { eventTypes: ['invoice.*'] }

/** Moves the clock to the next attempt of a delivery and has its lane look. */
async function skipTo(endpoint: AddedEndpoint, time: string): Promise<void> {
  clock.advance((Date.parse(time) - clock.now().getTime()) / 1000 + 0.001)
  await platform.nudge(endpoint)
}

test('requests in flight start few and grow with success', async () => {
  const gate = newGate()
  receiver.answer(gate.script)
  await platform.addEndpoint(receiver.url, invoices)
  await platform.publishMany(60)
  await receiver.until(windowStart)
  await platform.afterAnother()
  expect(gate.waiting()).toBe(windowStart)
  for (let n = 0; n < 10; n++) {
    gate.answer(200)
    await receiver.until(windowStart + 2 * (n + 1))
  }
  expect(gate.waiting()).toBe(windowStart + 10)
  gate.open(200)
  await platform.watch.untilStatus('SUCCEEDED', 60)
})

test('an overloaded receiver is asked one at a time', async () => {
  const gate = newGate()
  receiver.answer(gate.script)
  await platform.addEndpoint(receiver.url, { ...invoices, retrySchedule: [3600] })
  await platform.publishMany(20)
  await receiver.until(windowStart)
  for (let n = 0; n < windowStart; n++) gate.answer(503)
  await platform.watch.untilStatus('RETRYING', windowStart)
  await receiver.until(windowStart + 1)
  await platform.afterAnother()
  expect(gate.waiting()).toBe(1)
  gate.open(200)
  await platform.watch.untilStatus('SUCCEEDED', 12)
})

test('an endpoint gets no more a second than it asked for', async () => {
  await platform.addEndpoint(receiver.url, { rateLimitPerSecond: 20 })
  await platform.publishMany(45)
  const times = (await receiver.until(45)).map(({ receivedAt }) => receivedAt.getTime())
  const most = Math.max(
    ...times.map((from) => times.filter((time) => time >= from && time < from + 900).length),
  )
  expect(most).toBeLessThanOrEqual(22)
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1_900)
})

test('Retry-After rests the whole endpoint, whatever succeeds meanwhile', async () => {
  const gate = newGate()
  receiver.answer(gate.script)
  const endpoint = await platform.addEndpoint(receiver.url, invoices)
  await platform.publishMany(3)
  await receiver.until(3)
  gate.answer({ status: 429, headers: { 'retry-after': '3600' } })
  await platform.watch.untilStatus('RETRYING')
  gate.answer(200)
  gate.answer(200)
  await platform.watch.untilStatus('SUCCEEDED', 2)
  gate.open(200)
  await platform.publish()
  await platform.afterAnother()
  expect(receiver.requests).toHaveLength(3)
  clock.advance(3_600)
  await platform.nudge(endpoint)
  await platform.watch.untilStatus('SUCCEEDED', 5)
})

test.each([
  ['STANDARD_WEBHOOKS', [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400], 0.2],
  ['TUTORFLOW', [5, 25, 125], 0],
])('%s retries by its schedule, then fails', async (wireFormat, schedule, jitter) => {
  receiver.answer(500)
  const endpoint = await platform.addEndpoint(receiver.url, { wireFormat })
  await platform.publish()
  for (const [index, seconds] of schedule.entries()) {
    await receiver.until(index + 1)
    await platform.watch.until((all) => all.some((change) => change.attemptNumber === index + 1))
    const seenAt = clock.now().getTime()
    const [delivery] = await platform.deliveries()
    const { startedAt, durationMs } = delivery.attempts[index]
    const failedAt = Date.parse(startedAt) + durationMs
    const nextAt = Date.parse(delivery.nextAttemptAt)
    // Durations are whole milliseconds; and when it was settled lies between failing and seeing.
    expect(nextAt - failedAt).toBeGreaterThanOrEqual(seconds * 1000 - 2)
    expect(nextAt - seenAt).toBeLessThanOrEqual(seconds * (1 + jitter) * 1000)
    await skipTo(endpoint, delivery.nextAttemptAt)
  }
  await platform.watch.untilStatus('FAILED')
  const [delivery] = await platform.deliveries()
  expect(delivery).toMatchObject({ status: 'FAILED', attemptCount: schedule.length + 1 })
  const ids = new Set(receiver.requests.map(({ headers }) => headers['webhook-id']))
  expect(ids.size).toBe(1)
})

test('a retry is made at its time, not before', async () => {
  receiver.answer([500, 200])
  await platform.addEndpoint(receiver.url, { retrySchedule: [1] })
  await platform.publish()
  await platform.watch.untilStatus('RETRYING')
  const [delivery] = await platform.deliveries()
  const [, second] = await receiver.until(2)
  const lateMs = (second?.receivedAt.getTime() ?? 0) - Date.parse(delivery.nextAttemptAt)
  expect(lateMs).toBeGreaterThanOrEqual(0)
  // The sweep alone would find it half a second late as a rule, and up to a whole one.
  expect(lateMs).toBeLessThan(900)
})

test('410 disables the endpoint, and what waits, waits', async () => {
  receiver.answer(410)
  const { id } = await platform.addEndpoint(receiver.url, { ordered: true, ...invoices })
  await platform.publishMany(3)
  await platform.watch.untilStatus('FAILED')
  const query = 'query ($id: ID!) { endpoint(id: $id) { status disabledReason } }'
  const endpoint = async () => (await platform.client.ask(query, { id })).endpoint
  // It is disabled when the result is stored, by a transaction of its own.
  await expect
    .poll(endpoint, { timeout: 15_000 })
    .toEqual({ status: 'DISABLED', disabledReason: 'GONE' })
  await platform.afterAnother()
  expect(receiver.requests).toHaveLength(1)
  receiver.answer(200)
  await platform.client.mutate('endpointEnable', { id })
  await platform.watch.untilStatus('SUCCEEDED', 2)
})

test('410 is an ordinary failure to TUTORFLOW', async () => {
  receiver.answer(410)
  const { id } = await platform.addEndpoint(receiver.url, { wireFormat: 'TUTORFLOW' })
  await platform.publish()
  await platform.watch.untilStatus('RETRYING')
  const { endpoint } = await platform.client.ask(
    'query ($id: ID!) { endpoint(id: $id) { status } }',
    { id },
  )
  expect(endpoint.status).toBe('ENABLED')
})

const healthQuery = `query ($id: ID!) {
  endpoint(id: $id) { health { circuit nextProbeAt consecutiveFailures } }
}`

test('a circuit opens, probes and closes', async () => {
  receiver.answer(500)
  const endpoint = await platform.addEndpoint(receiver.url, { ...invoices, retrySchedule: [86400] })
  const health = async () => (await platform.client.ask(healthQuery, endpoint)).endpoint.health
  await platform.publishMany(80)
  await platform.watch.untilStatus('RETRYING', circuitFailuresMax)
  await platform.afterAnother()
  const opened = receiver.requests.length
  expect(opened).toBeLessThan(circuitFailuresMax + windowStart)
  expect(await health()).toMatchObject({ circuit: 'OPEN' })
  await skipTo(endpoint, (await health()).nextProbeAt)
  await platform.watch.untilStatus('RETRYING', opened + 1)
  const probed = await health()
  expect(probed.circuit).toBe('OPEN')
  const waitMs = Date.parse(probed.nextProbeAt) - clock.now().getTime()
  expect(waitMs).toBeGreaterThan(55_000)
  expect(waitMs).toBeLessThanOrEqual(60_000)
  await platform.afterAnother()
  expect(receiver.requests).toHaveLength(opened + 1)
  receiver.answer(200)
  await skipTo(endpoint, probed.nextProbeAt)
  await platform.watch.untilStatus('SUCCEEDED', 80 - opened - 1)
  expect(await health()).toMatchObject({ circuit: 'CLOSED', consecutiveFailures: 0 })
  const turns = kept.lines().flatMap((line) => {
    const { endpoint: whose, msg } = JSON.parse(line)
    return msg.startsWith('circuit') ? [[whose, msg]] : []
  })
  expect(turns).toEqual([
    [endpoint.id, 'circuit opened: endpoint parked'],
    [endpoint.id, 'circuit closed: the endpoint answers again'],
  ])
})

test('an ordered endpoint keeps its order through failures', async () => {
  receiver.answer(({ body }, index) => (body.toString() === '{"n":2}' && index < 4 ? 500 : 200))
  await platform.addEndpoint(receiver.url, { ordered: true, retrySchedule: [1, 1, 1] })
  await platform.publishMany(6)
  await platform.watch.untilStatus('SUCCEEDED', 6)
  const bodies = receiver.requests.map(({ body }) => JSON.parse(body.toString()).n)
  expect(bodies).toEqual([0, 1, 2, 2, 2, 3, 4, 5])
})

test('an endpoint that is ordered no more waits for nobody', async () => {
  receiver.answer(({ body }) => (body.toString() === '{"n":0}' ? 500 : 200))
  const wanted = { ...invoices, ordered: true, retrySchedule: [3600] }
  const { id } = await platform.addEndpoint(receiver.url, wanted)
  await platform.publishMany(4)
  await platform.watch.untilStatus('RETRYING')
  await platform.client.mutate('endpointUpdate', { id, ordered: false })
  await platform.watch.untilStatus('SUCCEEDED', 3)
  expect(receiver.requests).toHaveLength(4)
})
