import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkEventTypeName,
  compileSubscriptions,
  matches,
  nearestName,
  unknownName,
  normalisePatterns,
} from '../../src/rules/event-match.ts'

const anySegments = fc.array(fc.constantFrom('a', 'b'), {
  minLength: 1,
  maxLength: 4,
})
const anyName = anySegments.map((segments) => segments.join('.'))
const anyPattern = fc.oneof(
  anyName,
  anyName.map((name) => `${name}.*`),
  fc.constant('*'),
)

describe('an event type is matched', () => {
  test.each([
    ['invoice.paid', 'invoice.paid'],
    ['invoice.*', 'invoice.paid'],
    ['invoice.*', 'invoice.paid.late'],
    ['*', 'anything.at.all'],
  ])('by %s: %s', (pattern, eventType) => {
    expect(matches([pattern], eventType)).toBe(true)
  })

  test.each([
    ['invoice.*', 'invoice'],
    ['invoice.*', 'invoices.paid'],
    ['invoice.paid', 'invoice.paid.late'],
    ['invoice.paid', 'Invoice.paid'],
    ['invoice', 'invoice.paid'],
  ])('not by %s: %s', (pattern, eventType) => {
    expect(matches([pattern], eventType)).toBe(false)
  })
})

test('compiled subscriptions find who matches, once each', () => {
  const anySubscriptions = fc.array(fc.array(anyPattern), { maxLength: 8 })
  fc.assert(
    fc.property(anySubscriptions, anyName, (lists, eventType) => {
      const subscriptions = lists.map((patterns, i) => ({ endpointId: `wh_${i}`, patterns }))
      const expected = subscriptions
        .filter(({ patterns }) => matches(patterns, eventType))
        .map(({ endpointId }) => endpointId)
      const targets = compileSubscriptions(subscriptions).targetsOf(eventType)
      expect(targets.toSorted()).toEqual(expected.toSorted())
    }),
    { numRuns: 500 },
  )
})

describe('the name of an event type', () => {
  test.each(['a', 'clocking', 'tutor.status_changed', 'A-1.b_2.C', 'x'.repeat(128)])(
    'may be %.30s',
    (name) => expect(checkEventTypeName(name)).toBeUndefined(),
  )

  test.each(['', '.', 'a.', '.a', 'a..b', 'a b', 'a.*', '*', 'é', 'a\n', 'a/b', 'a\0'])(
    'may not be %j',
    (name) => expect(checkEventTypeName(name)).toContain('must be segments'),
  )

  test('may not be over the limit', () => {
    expect(checkEventTypeName('x'.repeat(129))).toBe('129 characters, limit 128.')
  })
})

describe('a list of patterns', () => {
  test('loses its repeats', () => {
    const patterns = ['b', 'a.*']
    expect(normalisePatterns(['b', 'a.*', 'b', 'a.*'])).toEqual({ ok: true, patterns })
  })

  test('is replaced by *', () => {
    expect(normalisePatterns(['a', '*', 'b.*'])).toEqual({ ok: true, patterns: ['*'] })
  })

  test.each(['', '**', 'a*', '*.a', 'a.*.b', '.*', 'a b', 'a.**'])(
    'is refused with %j',
    (wrong) => {
      const issue = { index: 1, message: expect.stringContaining('must be segments') as string }
      expect(normalisePatterns(['a', wrong])).toEqual({ ok: false, issues: [issue] })
      expect(normalisePatterns(['*', wrong])).toEqual({ ok: false, issues: [issue] })
    },
  )

  test('is refused when empty', () => {
    const message = 'must name at least one event type, or be ["*"].'
    expect(normalisePatterns([])).toEqual({ ok: false, issues: [{ index: undefined, message }] })
  })

  test('is refused over 100 event types', () => {
    const names = Array.from({ length: 101 }, (_, i) => `type-${i}`)
    const issues = [{ index: undefined, message: '101 event types, limit 100.' }]
    expect(normalisePatterns(names)).toEqual({ ok: false, issues })
    expect(normalisePatterns(names.with(100, 'type-0')).ok).toBe(true)
  })
})

describe('the nearest known name', () => {
  const known = [
    'evaluation.completed',
    'evaluation.failed',
    'clocking',
    'tutor.status_changed',
    'invoice.paids',
    'invoice.paid',
    'ABC',
  ]

  test.each([
    ['evaluation.complete', 'evaluation.completed'],
    ['evalution.completed', 'evaluation.completed'],
    ['Evaluation.Failed', 'evaluation.failed'],
    ['evaluation.fail', 'evaluation.failed'],
    ['cloking', 'clocking'],
    ['invoice.pad', 'invoice.paid'],
    ['abc', 'ABC'],
    ['tutor.statusChanged', 'tutor.status_changed'],
  ])('to %s is %s', (name, nearest) => {
    expect(nearestName(name, known)).toBe(nearest)
  })

  test.each(['order.shipped', 'x', '', 'e'.repeat(100_000)])('to %.20s is none', (name) => {
    expect(nearestName(name, known)).toBeUndefined()
  })
})

test('a name of no catalogue is refused with the one meant', () => {
  expect(unknownName('invoice.payed', ['invoice.paid'])).toBe(
    '"invoice.payed" is not in the catalogue. Did you mean "invoice.paid"?',
  )
  expect(unknownName('x', ['invoice.paid'])).toBe('"x" is not in the catalogue.')
})
