import { retriesMax, retryDelaySecondsMax } from '../limits.ts'

/** What decides when a failed delivery is attempted again. */
export type RetryQuestion = {
  /** Seconds before each retry. */
  readonly schedule: readonly number[]
  /** Failed attempts since the schedule's start, the latest included. */
  readonly failures: number
  /** Share of the delay that may be added at random: 0.2 adds up to a fifth. */
  readonly jitterRatio: number
  /** A random number, 0 or more and less than 1. */
  readonly random: number
  /** What the receiver asked for, already bounded. */
  readonly retryAfterMs: number | undefined
}

/**
 * How long to wait before the next attempt; undefined once the schedule is used up. Jitter only
 * adds, so that a retry is never early, and the receiver's wish only postpones.
 */
export function retryDelayMs(question: RetryQuestion): number | undefined {
  const seconds = question.schedule[question.failures - 1]
  if (seconds === undefined) return undefined
  const delayMs = Math.round(seconds * 1000 * (1 + question.jitterRatio * question.random))
  return Math.max(delayMs, question.retryAfterMs ?? 0)
}

/** One wrong entry; no index means the list as a whole. */
export type RetryScheduleIssue = { readonly index: number | undefined; readonly message: string }

/** All that is wrong with an endpoint's own schedule. An empty one is right: no retries. */
export function checkRetrySchedule(schedule: readonly number[]): RetryScheduleIssue[] {
  const wrong = schedule.flatMap((seconds, index) => {
    const fits = Number.isInteger(seconds) && seconds >= 0 && seconds <= retryDelaySecondsMax
    const message = `must be whole seconds from 0 to ${retryDelaySecondsMax}; got ${seconds}.`
    return fits ? [] : [{ index, message }]
  })
  if (schedule.length <= retriesMax) return wrong
  return [{ index: undefined, message: `${schedule.length} retries, limit ${retriesMax}.` }]
}
