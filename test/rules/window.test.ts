import fc from 'fast-check'
import { expect, test } from 'vitest'
import { windowMax, windowStart } from '../../src/limits.ts'
import type { Outcome } from '../../src/rules/outcome.ts'
import { adaptWindow, initialWindow } from '../../src/rules/window.ts'

const outcome = (result: Outcome['result'], statusCode?: number): Outcome => ({
  ...{ result, errorMessage: null, durationMs: 1 },
  answer:
    statusCode === undefined
      ? null
      : { statusCode, headers: [], body: Buffer.alloc(0), bodyTruncated: false },
})

const success = outcome('SUCCEEDED', 200)
const overloads = [
  outcome('TIMEOUT'),
  ...[429, 502, 503, 504].map((status) => outcome('HTTP_ERROR', status)),
]
const refusals = [
  ...[400, 404, 500, 501].map((status) => outcome('HTTP_ERROR', status)),
  ...(['DNS_ERROR', 'CONNECTION_ERROR', 'TLS_ERROR'] as const).map((result) => outcome(result)),
]

test('a window starts small, an ordered one at one', () => {
  expect([initialWindow(false), initialWindow(true)]).toEqual([windowStart, 1])
})

test('a success opens the window by one, up to its bound', () => {
  expect(adaptWindow(8, success, false)).toBe(9)
  expect(adaptWindow(windowMax, success, false)).toBe(windowMax)
})

test.each(overloads)('an overload halves the window: $result $answer.statusCode', (overload) => {
  expect([64, 9, 1].map((window) => adaptWindow(window, overload, false))).toEqual([32, 4, 1])
})

test.each(refusals)('a failure that is no overload keeps it: $result', (refusal) => {
  expect(adaptWindow(9, refusal, false)).toBe(9)
})

test('the window stays within its bounds, an ordered one at one', () => {
  const answers = fc.array(fc.constantFrom(success, ...overloads, ...refusals))
  fc.assert(
    fc.property(answers, fc.boolean(), (all, ordered) => {
      const window = all.reduce((w, one) => adaptWindow(w, one, ordered), initialWindow(ordered))
      const max = ordered ? 1 : windowMax
      expect(window).toBeGreaterThanOrEqual(1)
      expect(window).toBeLessThanOrEqual(max)
    }),
  )
})
