import { expect, test } from 'vitest'
import { checkRetrySchedule } from '../../src/rules/retry-schedule.ts'
import { checkSecret, generateSecret } from '../../src/rules/secret-format.ts'
import { headerNamesOf, wireFormatNames, wireFormats } from '../../src/rules/wire-formats.ts'

test('formats are those of the public API', () => {
  expect(wireFormatNames).toEqual([
    'STANDARD_WEBHOOKS',
    'TUTORCRUNCHER',
    'TRUTAC',
    'TUTORFLOW',
    'GITHUB',
    'STRIPE',
  ])
})

test('TUTORFLOW keeps the exact promise of its own', () => {
  const { retrySchedule, jitterRatio, disablesOnGone } = wireFormats.TUTORFLOW
  expect({ retrySchedule, jitterRatio, disablesOnGone }).toEqual({
    retrySchedule: [5, 25, 125],
    jitterRatio: 0,
    disablesOnGone: false,
  })
})

test('every other format retries for three days with jitter', () => {
  for (const format of wireFormatNames.filter((name) => name !== 'TUTORFLOW')) {
    const rule = wireFormats[format]
    expect(rule.retrySchedule).toEqual([5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400])
    expect([rule.jitterRatio, rule.disablesOnGone]).toEqual([0.2, true])
  }
})

test('TRUTAC and GITHUB alone ping a new endpoint', () => {
  const pinging = wireFormatNames.filter((format) => wireFormats[format].pingOnCreation)
  expect(pinging).toEqual(['TRUTAC', 'GITHUB'])
})

test('every format follows the rules that customers must', () => {
  for (const format of wireFormatNames) {
    expect(checkRetrySchedule(wireFormats[format].retrySchedule)).toEqual([])
    expect(checkSecret(format, generateSecret())).toBeUndefined()
  }
})

test('a format names its headers', () => {
  expect(headerNamesOf('STANDARD_WEBHOOKS')).toEqual([
    'webhook-id',
    'webhook-timestamp',
    'webhook-signature',
  ])
  expect(headerNamesOf('STRIPE')).toEqual(['Stripe-Signature'])
})
