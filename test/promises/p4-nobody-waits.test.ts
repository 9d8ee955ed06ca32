import { expect, test } from 'vitest'
import { inFlightMax, windowStart } from '../../src/limits.ts'
import { newGate } from '../support/gate.ts'
import { startHostile } from '../support/hostile.ts'
import { startPlatform } from '../support/platform.ts'
import { startReceiver } from '../support/receiver.ts'

const course = { eventTypes: ['course.done'] }

test('endpoints that never answer delay nobody', async () => {
  await using platform = await startPlatform()
  // More than all requests that may be out at a time.
  const count = Math.ceil(inFlightMax / windowStart) + 10
  await using silent = await startHostile(() => {})
  await using receiver = await startReceiver()
  const added = Array.from({ length: count }, (_, n) => {
    return platform.addEndpoint(`${silent.url}${n}`, { eventTypes: ['invoice.*'] })
  })
  await Promise.all(added)
  await platform.addEndpoint(receiver.url, course)
  await platform.publishMany(windowStart * 2)
  while (silent.connections() < inFlightMax / 2) await new Promise((next) => setImmediate(next))
  const latencies: number[] = []
  for (let n = 0; n < 100; n++) {
    const publishedAt = performance.now()
    await platform.publish({ eventType: 'course.done' })
    await receiver.until(n + 1)
    latencies.push(performance.now() - publishedAt)
  }
  // Those who do not answer are given up after 15 s: who waited for one of them would show it.
  expect(Math.max(...latencies)).toBeLessThan(5_000)
})

test('an endpoint that is ordered and stuck delays no other', async () => {
  const gate = newGate()
  await using stuck = await startReceiver(gate.script)
  await using receiver = await startReceiver()
  await using platform = await startPlatform()
  await platform.addEndpoint(stuck.url, { ordered: true })
  await platform.addEndpoint(receiver.url)
  await platform.publishMany(100)
  await Promise.all([stuck.until(1), receiver.until(100)])
  expect(stuck.requests).toHaveLength(1)
  gate.open(200)
  await stuck.until(100)
})
