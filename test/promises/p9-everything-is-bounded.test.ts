import { readFileSync, globSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as limits from '../../src/limits.ts'
import { newGate } from '../support/gate.ts'
import { startHostile } from '../support/hostile.ts'
import { startPlatform } from '../support/platform.ts'
import { startReceiver } from '../support/receiver.ts'

const sources = globSync('src/**/*.ts').map((path) => ({ path, text: readFileSync(path, 'utf8') }))

test('every limit limits something', () => {
  const unused = Object.keys(limits).filter((name) => {
    const uses = sources.filter(({ path, text }) => {
      const count = text.split(new RegExp(`\\b${name}\\b`)).length - 1
      return count > (path === 'src/limits.ts' ? 1 : 0)
    })
    return uses.length === 0
  })
  expect(unused).toEqual([])
})

test('a lease outlives the beats that renew it', () => {
  const leaseMs = limits.leaseSeconds * 1000 - limits.leaseMarginMs
  expect(leaseMs).toBeGreaterThan(2 * limits.heartbeatEveryMs)
  const takenOver = limits.leaseSeconds + 2 * limits.superviseEverySeconds
  expect(takenOver * 1000 + limits.claimEveryMs).toBeLessThan(15_000)
})

test('requests of all lanes have room in the process', () => {
  expect(limits.windowMax).toBeLessThan(limits.inFlightMax)
  expect(limits.windowMax + limits.pageSizeMin).toBeLessThanOrEqual(limits.laneBufferMax)
  expect(limits.laneBufferBytesMax).toBeGreaterThan(limits.payloadBytesMax)
})

test('a receiver that never answers is given up in its time', async () => {
  await using silent = await startHostile(() => {})
  await using platform = await startPlatform()
  await platform.addEndpoint(silent.url, { timeoutSeconds: 1 })
  await platform.publish()
  await platform.watch.untilStatus('RETRYING')
  const [delivery] = await platform.deliveries()
  const [attempt] = delivery.attempts
  expect(attempt).toMatchObject({ result: 'TIMEOUT', response: null })
  // A timer counts whole milliseconds, so it can be early by a part of one.
  expect(attempt.durationMs).toBeGreaterThanOrEqual(999)
  expect(attempt.durationMs).toBeLessThan(2_000)
})

test('a long backlog of long payloads is held in small parts', async () => {
  const gate = newGate()
  await using receiver = await startReceiver(gate.script)
  await using platform = await startPlatform()
  await platform.addEndpoint(receiver.url, { eventTypes: ['invoice.*'] })
  const payloadText = `"${'x'.repeat(limits.payloadBytesMax - 2)}"`
  for (let n = 0; n < 12; n++) await platform.publish({ payloadText })
  await receiver.until(4)
  await platform.afterAnother()
  // Fewer are out than the window lets: their payloads are all that a lane may hold.
  expect(gate.waiting()).toBeLessThanOrEqual(limits.laneBufferBytesMax / limits.payloadBytesMax + 1)
  gate.open(200)
  await platform.watch.untilStatus('SUCCEEDED', 12)
})
