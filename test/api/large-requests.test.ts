import { expect, test } from 'vitest'
import { newLargeRequests } from '../../src/api/large-requests.ts'
import { largeRequestsMax } from '../../src/limits.ts'

type Run = { readonly who: string; readonly end: () => void }

/** Requests that run until they are told to end. */
function begin() {
  const takeTurn = newLargeRequests()
  const running: Run[] = []
  const ended: string[] = []
  const ask = (who: string) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    return takeTurn(who, () => {
      running.push({ who, end: resolve })
      return promise
    }).then(() => void ended.push(who))
  }
  const settled = () => new Promise((next) => setImmediate(() => setImmediate(next)))
  return { ask, running, ended, settled }
}

test('few large requests run at a time', async () => {
  const { ask, running, settled } = begin()
  const asked = Array.from({ length: 5 }, () => ask('loud'))
  await settled()
  expect(running).toHaveLength(largeRequestsMax)
  while (running.length < asked.length) {
    running.at(-1)?.end()
    running.at(-2)?.end()
    await settled()
  }
  for (const { end } of running) end()
  await Promise.all(asked)
})

test('callers take turns, whoever asks more', async () => {
  const { ask, running, settled } = begin()
  for (let n = 0; n < 20; n++) void ask('loud')
  void ask('quiet')
  await settled()
  running[0]?.end()
  await settled()
  running[1]?.end()
  await settled()
  expect(running.map(({ who }) => who)).toContain('quiet')
  expect(running).toHaveLength(largeRequestsMax + 2)
})

test('one that fails leaves its place to the next', async () => {
  const takeTurn = newLargeRequests()
  const failures = Array.from({ length: 10 }, () => {
    return takeTurn('loud', () => Promise.reject(new Error('no'))).catch(() => 'failed')
  })
  expect(await Promise.all(failures)).toEqual(Array.from({ length: 10 }, () => 'failed'))
})
