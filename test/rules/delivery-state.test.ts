import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type DeliveryEvent,
  type DeliveryStatus,
  eventOf,
  nextStatus,
  statusAfterAttempt,
} from '../../src/rules/delivery-state.ts'
import type { Outcome } from '../../src/rules/outcome.ts'

const events = ['SUCCESS', 'FAILURE', 'LAST_FAILURE', 'GONE', 'RETRY', 'CANCEL'] as const
const waiting: readonly DeliveryStatus[] = ['PENDING', 'RETRYING']
const ended: readonly DeliveryStatus[] = ['SUCCEEDED', 'FAILED', 'CANCELED', 'SUPPRESSED']

/** As DELIVERY.md shows it, in the order of `events`. */
const table: Record<DeliveryStatus, readonly DeliveryStatus[]> = {
  PENDING: ['SUCCEEDED', 'RETRYING', 'FAILED', 'FAILED', 'PENDING', 'CANCELED'],
  RETRYING: ['SUCCEEDED', 'RETRYING', 'FAILED', 'FAILED', 'RETRYING', 'CANCELED'],
  SUCCEEDED: ['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'RETRYING', 'SUCCEEDED'],
  FAILED: ['FAILED', 'FAILED', 'FAILED', 'FAILED', 'RETRYING', 'FAILED'],
  CANCELED: ['CANCELED', 'CANCELED', 'CANCELED', 'CANCELED', 'RETRYING', 'CANCELED'],
  SUPPRESSED: ['SUPPRESSED', 'SUPPRESSED', 'SUPPRESSED', 'SUPPRESSED', 'PENDING', 'SUPPRESSED'],
}

test.each([...waiting, ...ended])('every event finds %s as the table says', (status) => {
  expect(events.map((event) => nextStatus(status, event))).toEqual(table[status])
})

test.each(['PENDING', 'RETRYING'] as const)('an attempt moves %s as the table says', (status) => {
  const ofAttempts = ['SUCCESS', 'FAILURE', 'LAST_FAILURE', 'GONE'] as const
  expect(ofAttempts.map((event) => statusAfterAttempt(status, event))).toEqual(
    table[status].slice(0, ofAttempts.length),
  )
})

test('only a person wakes a delivery that has ended (D2)', () => {
  const anyEvents = fc.array(fc.constantFrom<DeliveryEvent>(...events))
  fc.assert(
    fc.property(anyEvents, (happened) => {
      let status: DeliveryStatus = 'PENDING'
      for (const event of happened) {
        const before: DeliveryStatus = status
        status = nextStatus(before, event)
        if (ended.includes(before) && waiting.includes(status)) expect(event).toBe('RETRY')
      }
    }),
  )
})

test('nothing is PENDING again once it was attempted', () => {
  const statuses = [...waiting, ...ended].filter((status) => status !== 'SUPPRESSED')
  const all = statuses.flatMap((status) => events.map((event) => [status, event] as const))
  const back = all.filter(([status, event]) => {
    return status !== 'PENDING' && nextStatus(status, event) === 'PENDING'
  })
  expect(back).toEqual([])
})

const answered = (statusCode: number): Outcome => ({
  ...{ result: 'HTTP_ERROR', errorMessage: '', durationMs: 1 },
  answer: { statusCode, headers: [], body: Buffer.alloc(0), bodyTruncated: false },
})

test.each([
  [410, { retriesLeft: true, goneDisables: true }, 'GONE'],
  [410, { retriesLeft: true, goneDisables: false }, 'FAILURE'],
  [410, { retriesLeft: false, goneDisables: false }, 'LAST_FAILURE'],
  [404, { retriesLeft: true, goneDisables: true }, 'FAILURE'],
  [500, { retriesLeft: false, goneDisables: true }, 'LAST_FAILURE'],
])('%i with %j is %s', (statusCode, context, event) => {
  expect(eventOf(answered(statusCode), context)).toBe(event)
})

test('a success is a success whatever is left', () => {
  const outcome: Outcome = { ...answered(204), result: 'SUCCEEDED' }
  expect(eventOf(outcome, { retriesLeft: false, goneDisables: true })).toBe('SUCCESS')
})
