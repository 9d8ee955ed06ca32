import { expect, test } from 'vitest'
import { circuitFailuresMax } from '../../src/limits.ts'
import {
  afterFailure,
  afterSuccess,
  type Health,
  pausedUntil,
  resume,
  unknownHealth,
} from '../../src/rules/circuit.ts'

const start = new Date('2026-03-19T10:00:00.000Z')
const later = (seconds: number, from: Date = start) => new Date(from.getTime() + seconds * 1000)

/** Failing until the circuit opens. */
function opened(): Health {
  let health = unknownHealth
  for (let n = 0; n < circuitFailuresMax; n++) health = afterFailure(health, start)
  return health
}

test('failures in a row open the circuit, one fewer does not', () => {
  let health = unknownHealth
  for (let n = 1; n < circuitFailuresMax; n++) health = afterFailure(health, start)
  expect(health).toMatchObject({ circuit: 'CLOSED', parkedUntil: null, failingSince: start })
  health = afterFailure(health, later(1))
  expect(health).toMatchObject({ circuit: 'OPEN', parkedUntil: later(31), failingSince: start })
})

test('a success between failures starts the count anew', () => {
  let health = unknownHealth
  for (let n = 1; n < circuitFailuresMax; n++) health = afterFailure(health, start)
  health = afterFailure(afterSuccess(health, later(1)), later(2))
  expect(health).toMatchObject({
    consecutiveFailures: 1,
    circuit: 'CLOSED',
    failingSince: later(2),
  })
})

test('probes wait 30 s, 60 s and on to 5 min', () => {
  let health = opened()
  let now = start
  const waits: number[] = []
  for (let n = 0; n < 7; n++) {
    const probeAt = health.parkedUntil ?? now
    waits.push((probeAt.getTime() - now.getTime()) / 1000)
    health = resume(health, probeAt)
    expect(health).toMatchObject({ circuit: 'HALF_OPEN', parkedUntil: null })
    health = afterFailure(health, probeAt)
    now = probeAt
  }
  expect(waits).toEqual([30, 60, 120, 240, 300, 300, 300])
})

test('requests that were out when it opened are no probes', () => {
  let health = opened()
  for (let n = 0; n < 127; n++) health = afterFailure(health, later(1))
  expect(health).toEqual(opened())
  health = afterFailure(resume(health, later(30)), later(30))
  expect(health.parkedUntil).toEqual(later(90))
})

test('an open circuit is parked until its probe', () => {
  const health = opened()
  expect(health.parkedUntil).toEqual(later(30))
  expect(resume(health, later(29))).toBe(health)
  expect(resume(health, later(30)).parkedUntil).toBeNull()
})

test.each([
  ['open', opened()],
  ['half open', resume(opened(), later(30))],
])('a success closes a circuit that is %s', (_, health) => {
  const closed = { ...unknownHealth, lastSuccessAt: later(31) }
  expect(afterSuccess(health, later(31))).toEqual(closed)
})

test('a pause the receiver asked for outlives a success', () => {
  const paused = pausedUntil(afterFailure(unknownHealth, start), later(60))
  expect(afterSuccess(paused, later(1))).toMatchObject({
    ...{ consecutiveFailures: 0, parkedUntil: later(60) },
  })
})

test('of two pauses the longer holds', () => {
  const long = pausedUntil(unknownHealth, later(60))
  expect(pausedUntil(long, later(10))).toBe(long)
  expect(pausedUntil(long, later(90)).parkedUntil).toEqual(later(90))
})

test('opening does not cut a longer pause short', () => {
  let health = pausedUntil(unknownHealth, later(3600))
  for (let n = 0; n < circuitFailuresMax; n++) health = afterFailure(health, start)
  expect(health).toMatchObject({ circuit: 'OPEN', parkedUntil: later(3600) })
})

test('the end of a pause leaves the circuit closed', () => {
  const paused = pausedUntil(unknownHealth, later(10))
  expect(resume(paused, later(10))).toEqual(unknownHealth)
})
