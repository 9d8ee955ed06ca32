import { windowMax, windowStart } from '../limits.ts'
import type { Outcome } from './outcome.ts'

/** Requests that may be in flight to one endpoint: additive increase, multiplicative decrease. */
export function initialWindow(ordered: boolean): number {
  return ordered ? 1 : windowStart
}

/** Answers that say "too much at once", besides no answer in time. */
const overloadStatuses = new Set([429, 502, 503, 504])

/** The window after one more answer. An ordered endpoint stays at exactly one. */
export function adaptWindow(window: number, outcome: Outcome, ordered: boolean): number {
  if (ordered) return 1
  if (outcome.result === 'SUCCEEDED') return Math.min(window + 1, windowMax)
  return isOverloaded(outcome) ? Math.max(1, Math.floor(window / 2)) : window
}

function isOverloaded({ result, answer }: Outcome): boolean {
  if (result === 'TIMEOUT') return true
  return answer !== null && overloadStatuses.has(answer.statusCode)
}
