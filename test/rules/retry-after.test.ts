import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readRetryAfter } from '../../src/rules/retry-after.ts'

const nowMs = Date.UTC(1994, 10, 6, 8, 49, 7)
const dayMs = 24 * 3600 * 1000

test.each([
  ['120', 120_000],
  ['0', 0],
  [' 5 ', 5_000],
  ['0005', 5_000],
  ['86401', dayMs],
  ['99999999999999999999999', dayMs],
  ['Sun, 06 Nov 1994 08:49:37 GMT', 30_000],
  ['Sunday, 06-Nov-94 08:49:37 GMT', 30_000],
  ['Sun Nov  6 08:49:37 1994', 30_000],
  ['Wed Nov 16 08:49:37 1994', dayMs],
  ['Sun, 06 Nov 1994 08:49:07 GMT', 0],
  ['Fri, 06 Nov 2104 08:49:37 GMT', dayMs],
  ['Saturday, 06-Nov-44 08:49:37 GMT', dayMs],
])('%s is a wait', (value, waitMs) => {
  expect(readRetryAfter(value, nowMs)).toBe(waitMs)
})

test.each([
  undefined,
  '',
  ' ',
  '-1',
  '+5',
  '1.5',
  '1e3',
  '0x10',
  '5s',
  '5, 5',
  'soon',
  'null',
  '１２',
  'Sun, 06 Nov 1994 08:49:06 GMT',
  'Sunday, 06-Nov-45 08:49:37 GMT',
  'Thu, 01 Jan 1970',
  'Sun, 31 Feb 1995 08:49:37 GMT',
  'Sun, 06 Foo 1995 08:49:37 GMT',
  '1995-01-01T00:00:00Z',
  'Sun, 06 Nov 1995 08:49:37 CET',
  'Sun, 06 Nov 1995 25:49:37 GMT',
  '6 Nov 1995',
])('%s is no wait', (value) => {
  expect(readRetryAfter(value, nowMs)).toBeUndefined()
})

test('a two-digit year is at most fifty years ahead', () => {
  const soonMs = Date.UTC(2098, 0, 1)
  expect(readRetryAfter('Thursday, 01-Jan-00 00:00:00 GMT', soonMs)).toBe(dayMs)
})

test('every date in standard form is read to the second', () => {
  const anySeconds = fc.integer({ min: 0, max: dayMs / 1000 })
  fc.assert(
    fc.property(anySeconds, fc.integer({ min: 0, max: 4e9 }), (ahead, nowSeconds) => {
      const value = new Date((nowSeconds + ahead) * 1000).toUTCString()
      expect(readRetryAfter(value, nowSeconds * 1000)).toBe(ahead * 1000)
    }),
  )
})
