import { expect, test } from 'vitest'
import { drainMsMax } from '../../src/limits.ts'
import { newGate } from '../support/gate.ts'
import { startPlatform } from '../support/platform.ts'
import { startSecond } from '../support/processes.ts'
import { startReceiver } from '../support/receiver.ts'

test('a process that stops gives up requests without an answer', async () => {
  const gate = newGate()
  await using receiver = await startReceiver(gate.script)
  await using platform = await startPlatform({ delivers: false })
  const first = await startSecond(platform.bundle)
  await platform.addEndpoint(receiver.url, { timeoutSeconds: 30 })
  await platform.publish()
  await receiver.until(1)
  const started = performance.now()
  await first[Symbol.asyncDispose]()
  expect(performance.now() - started).toBeLessThan(drainMsMax)

  gate.open(200)
  await using second = await startSecond(platform.bundle)
  await platform.watch.untilStatus('SUCCEEDED')
  expect(second.inFlight()).toBe(0)
  const [delivery] = await platform.deliveries()
  expect(delivery).toMatchObject({ attemptCount: 1, attempts: [{ number: 1 }] })
}, 40_000)
