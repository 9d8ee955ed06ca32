import { circuitFailuresMax, circuitProbeFirstSeconds, circuitProbeMaxSeconds } from '../limits.ts'

/** CLOSED lets everything through, OPEN nothing, HALF_OPEN one probe. */
export type CircuitState = 'CLOSED' | 'OPEN' | 'HALF_OPEN'

/**
 * What is known of an endpoint's receiver. OPEN: no attempt is made or used up until
 * `parkedUntil`, then one probe is out (HALF_OPEN); its success closes the circuit again.
 */
export type Health = {
  readonly consecutiveFailures: number
  readonly failingSince: Date | null
  readonly lastSuccessAt: Date | null
  readonly circuit: CircuitState
  /** No attempt before this time: the next probe, or the end of a pause the receiver asked for. */
  readonly parkedUntil: Date | null
  /** Since when nothing got through but probes: its circuit opened, or it was disabled. */
  readonly downSince: Date | null
}

/** Of an endpoint that was never tried: it has the benefit of the doubt. */
export const unknownHealth: Health = {
  consecutiveFailures: 0,
  failingSince: null,
  lastSuccessAt: null,
  circuit: 'CLOSED',
  parkedUntil: null,
  downSince: null,
}

/**
 * A success closes the circuit, whatever came before. A pause that the receiver asked for holds
 * on: what succeeds meanwhile was sent before it asked.
 */
export function afterSuccess(health: Health, at: Date): Health {
  const parkedUntil = health.circuit === 'CLOSED' ? health.parkedUntil : null
  return { ...unknownHealth, lastSuccessAt: at, parkedUntil }
}

/**
 * One failure more. The circuit opens after `circuitFailuresMax` in a row; a probe that fails
 * doubles the wait: 30 s, 60 s, … at most 5 min. While it is open only requests that were out
 * already can fail; they are not counted, or they would pass for probes.
 */
export function afterFailure(health: Health, at: Date): Health {
  if (health.circuit === 'OPEN') return health
  const consecutiveFailures = health.consecutiveFailures + 1
  const failing = { ...health, consecutiveFailures, failingSince: health.failingSince ?? at }
  if (health.circuit === 'HALF_OPEN') return openFor(failing, at, nextProbeSeconds(failing))
  const opens = consecutiveFailures >= circuitFailuresMax
  return opens ? openFor(failing, at, circuitProbeFirstSeconds) : failing
}

/** The wait the receiver asked for holds the whole endpoint back, not only one delivery. */
export function pausedUntil(health: Health, until: Date): Health {
  if (health.parkedUntil !== null && health.parkedUntil >= until) return health
  return { ...health, parkedUntil: until }
}

/** The state in which work starts at `now`: an open circuit whose wait is over sends one probe. */
export function resume(health: Health, now: Date): Health {
  if (health.parkedUntil === null || health.parkedUntil > now) return health
  if (health.circuit !== 'OPEN') return { ...health, parkedUntil: null }
  return { ...health, circuit: 'HALF_OPEN', parkedUntil: null }
}

/** A pause that ends later than the wait is kept. */
function openFor(health: Health, at: Date, seconds: number): Health {
  const open = { ...health, circuit: 'OPEN', downSince: health.downSince ?? at } as const
  return pausedUntil(open, new Date(at.getTime() + seconds * 1000))
}

/** Each failed probe is one failure past the threshold, so the count alone tells the wait. */
function nextProbeSeconds({ consecutiveFailures }: Health): number {
  const failedProbes = Math.max(1, consecutiveFailures - circuitFailuresMax)
  const doubled = circuitProbeFirstSeconds * 2 ** Math.min(failedProbes, 16)
  return Math.min(doubled, circuitProbeMaxSeconds)
}
