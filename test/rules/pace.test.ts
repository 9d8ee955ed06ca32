import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startPace, takeToken } from '../../src/rules/pace.ts'

/** Times at which requests leave that go as fast as they may, from 0 to `untilMs`. */
function timesOf(rate: number, untilMs: number): number[] {
  const times: number[] = []
  let pace = startPace(rate, 0)
  for (let now = 0; now < untilMs;) {
    const taken = takeToken(pace, rate, now)
    if (taken.ok) {
      times.push(now)
      pace = taken.pace
    } else now += taken.waitMs
  }
  return times
}

test('in no second does more than a rate and a tenth leave', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), (rate) => {
      const times = timesOf(rate, 3000)
      const most = Math.max(...times.map((from) => countIn(times, from)))
      expect(most).toBeLessThanOrEqual(rate + Math.max(1, Math.ceil(rate / 10)))
    }),
    { numRuns: 50 },
  )
})

test.each([1, 2, 10, 100, 1000])('a rate of %i a second is reached', (rate) => {
  const sent = timesOf(rate, 10_000).length
  expect(sent).toBeGreaterThanOrEqual(rate * 10 * 0.9)
  expect(sent).toBeLessThanOrEqual(rate * 10 * 1.01 + Math.max(1, rate / 10))
})

test('a rest saves up no more than a tenth of a second', () => {
  const { pace } = take(startPace(50, 0), 50, 0)
  let rested = pace
  let burst = 0
  for (;;) {
    const taken = takeToken(rested, 50, 60_000)
    if (!taken.ok) break
    burst += 1
    rested = taken.pace
  }
  expect(burst).toBe(5)
})

test('a clock that goes back gives no tokens', () => {
  const { pace } = take(startPace(1, 10_000), 1, 10_000)
  expect(takeToken(pace, 1, 5_000)).toMatchObject({ ok: false })
})

function countIn(times: readonly number[], from: number): number {
  return times.filter((time) => time >= from && time < from + 1000).length
}

function take(...given: Parameters<typeof takeToken>) {
  const taken = takeToken(...given)
  if (!taken.ok) throw new Error('There is no token.')
  return taken
}
