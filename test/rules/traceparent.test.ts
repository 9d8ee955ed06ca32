import { expect, test } from 'vitest'
import { readTraceparent, writeTraceparent } from '../../src/rules/traceparent.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'

test('a header is read and written back', () => {
  const header = `00-${traceId}-${spanId}-01`
  const place = readTraceparent(header)
  expect(place).toEqual({ traceId, spanId, isSampled: true })
  expect(place && writeTraceparent(place)).toBe(header)
})

test('unknown flags are left aside', () => {
  expect(readTraceparent(`00-${traceId}-${spanId}-fe`)?.isSampled).toBe(false)
})

test('later versions may say more', () => {
  expect(readTraceparent(`01-${traceId}-${spanId}-01-more`)?.spanId).toBe(spanId)
})

test.each([
  '',
  `00-${traceId}-${spanId}`,
  `00-${traceId}-${spanId}-01-more`,
  `ff-${traceId}-${spanId}-01`,
  `00-${'0'.repeat(32)}-${spanId}-01`,
  `00-${traceId}-${'0'.repeat(16)}-01`,
  `00-${traceId.toUpperCase()}-${spanId}-01`,
  `00-${traceId}-${spanId}-01\n`,
])('ignores "%s"', (text) => {
  expect(readTraceparent(text)).toBe(undefined)
})
