import { expect, test } from 'vitest'
import { startPlatform } from '../support/platform.ts'
import { startSecond } from '../support/processes.ts'
import { type ReceivedRequest, startReceiver } from '../support/receiver.ts'

test('every attempt of a delivery has the same id', async () => {
  await using receiver = await startReceiver([500, 500, 200])
  await using platform = await startPlatform()
  await platform.addEndpoint(receiver.url, { retrySchedule: [0, 0] })
  const { eventId } = await platform.publish()
  await platform.watch.untilStatus('SUCCEEDED')
  const ids = receiver.requests.map(({ headers }) => headers['webhook-id'])
  expect(ids).toEqual([eventId, eventId, eventId])
})

test('no delivery has two attempts at a time', async () => {
  const out = new Set<string>()
  const twice: string[] = []
  const successes = new Map<string, number>()
  const turn = () => new Promise((resolve) => setImmediate(resolve))

  /** Fails one in three, and knows which requests are out. */
  async function answer({ url, headers }: ReceivedRequest, index: number): Promise<number> {
    const key = `${url} ${String(headers['webhook-id'])}`
    if (out.has(key)) twice.push(key)
    out.add(key)
    for (let n = 0; n < 20; n++) await turn()
    out.delete(key)
    if (index % 3 === 0) return 500
    successes.set(key, (successes.get(key) ?? 0) + 1)
    return 200
  }
  await using receiver = await startReceiver(answer)
  await using platform = await startPlatform()
  await using _second = await startSecond(platform.bundle)
  const endpoints = []
  for (let n = 0; n < 4; n++) {
    const retrySchedule = Array.from({ length: 20 }, () => 0)
    endpoints.push(await platform.addEndpoint(`${receiver.url}${n}`, { retrySchedule }))
  }
  const publishing = (async () => {
    for (let n = 0; n < 20; n++) await platform.publishMany(10)
  })()
  // Hints of every kind, all the time.
  let done = false
  const nudging = (async () => {
    for (let n = 0; !done; n++) {
      await turn()
      if (n % 500 === 0) for (const endpoint of endpoints) await platform.nudge(endpoint)
    }
  })()
  await publishing
  await platform.watch.untilStatus('SUCCEEDED', 800)
  done = true
  await nudging
  expect(twice).toEqual([])
  expect(successes.size).toBe(800)
  expect([...successes.values()].filter((count) => count > 1)).toEqual([])
})
