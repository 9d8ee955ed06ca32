import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { retriesMax, retryDelaySecondsMax } from '../../src/limits.ts'
import { checkRetrySchedule, retryDelayMs } from '../../src/rules/retry-schedule.ts'

const schedule = [5, 25, 125]
const plain = { schedule, failures: 1, jitterRatio: 0, random: 0.5, retryAfterMs: undefined }

describe('a retry', () => {
  test('follows the schedule until it is used up', () => {
    const delays = [1, 2, 3, 4, 5].map((failures) => retryDelayMs({ ...plain, failures }))
    expect(delays).toEqual([5_000, 25_000, 125_000, undefined, undefined])
  })

  test('does not follow an empty schedule', () => {
    expect(retryDelayMs({ ...plain, schedule: [] })).toBeUndefined()
  })

  test('comes late by chance but never early', () => {
    const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(anyRandom, fc.constantFrom(1, 2, 3), (random, failures) => {
        const delayMs = retryDelayMs({ ...plain, failures, jitterRatio: 0.2, random }) ?? 0
        const exactMs = (schedule[failures - 1] ?? 0) * 1000
        expect(delayMs).toBeGreaterThanOrEqual(exactMs)
        expect(delayMs).toBeLessThanOrEqual(exactMs * 1.2)
      }),
    )
    expect(retryDelayMs({ ...plain, jitterRatio: 0.2 })).toBe(5_500)
  })

  test('is postponed by Retry-After but never hastened', () => {
    expect(retryDelayMs({ ...plain, retryAfterMs: 60_000 })).toBe(60_000)
    expect(retryDelayMs({ ...plain, retryAfterMs: 1_000 })).toBe(5_000)
  })

  test('is not added by Retry-After', () => {
    expect(retryDelayMs({ ...plain, failures: 4, retryAfterMs: 60_000 })).toBeUndefined()
  })
})

describe('a schedule', () => {
  test.each([[[]], [[0]], [[5, 25, 125]], [Array(retriesMax).fill(retryDelaySecondsMax)]])(
    'is accepted: %j',
    (list) => expect(checkRetrySchedule(list)).toEqual([]),
  )

  test.each([-1, 1.5, NaN, Infinity, retryDelaySecondsMax + 1])('is refused with %d', (seconds) => {
    const message = `must be whole seconds from 0 to 604800; got ${seconds}.`
    expect(checkRetrySchedule([5, seconds])).toEqual([{ index: 1, message }])
  })

  test('is refused with more than 20 retries', () => {
    const message = '21 retries, limit 20.'
    expect(checkRetrySchedule(Array(21).fill(1))).toEqual([{ index: undefined, message }])
  })
})
