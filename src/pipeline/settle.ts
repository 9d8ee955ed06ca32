import { healthStoreEveryMs, overloadPauseMs } from '../limits.ts'
import { afterFailure, afterSuccess, pausedUntil, type Health } from '../rules/circuit.ts'
import { eventOf, statusAfterAttempt } from '../rules/delivery-state.ts'
import type { Outcome } from '../rules/outcome.ts'
import { readRetryAfter } from '../rules/retry-after.ts'
import { retryDelayMs } from '../rules/retry-schedule.ts'
import { wireFormats } from '../rules/wire-formats.ts'
import type { LaneEndpoint, Sent, Settled } from './stages.ts'

/** What follows from an attempt: for its delivery, and for its endpoint. */
export type Verdict = {
  readonly settled: Settled
  readonly health: Health
  /** The receiver said it wants nothing any more. */
  readonly gone: boolean
}

/** What an outcome is judged by. */
export type SettleContext = {
  readonly endpoint: LaneEndpoint
  /** As it was before this attempt's answer. */
  readonly health: Health
  readonly now: Date
  /** 0 or more, less than 1. */
  readonly random: number
}

/** Decides status, next attempt and health. Pure: time and chance are arguments. */
export function settle(sent: Sent, context: SettleContext): Verdict {
  return sent.outcome.result === 'SUCCEEDED' ? succeed(sent, context) : fail(sent, context)
}

function succeed(sent: Sent, { health: before, now }: SettleContext): Verdict {
  const health = afterSuccess(before, now)
  const stored = isWorthStoring(before, now) ? health : null
  const ended = { failures: 0, nextAttemptAt: null, nextDueAt: null }
  const settled: Settled = {
    ...sent,
    ...ended,
    status: 'SUCCEEDED',
    settledAt: now,
    health: stored,
    recoveredFrom: before.downSince,
  }
  return { settled, health: stored ? health : before, gone: false }
}

/** A success every second is one row of health, not thousands. */
function isWorthStoring(before: Health, now: Date): boolean {
  if (before.consecutiveFailures > 0 || before.circuit !== 'CLOSED') return true
  if (before.downSince !== null) return true
  const last = before.lastSuccessAt?.getTime() ?? 0
  return before.parkedUntil !== null || now.getTime() - last >= healthStoreEveryMs
}

function fail(sent: Sent, { endpoint, health: before, now, random }: SettleContext): Verdict {
  const { due, outcome } = sent
  const format = wireFormats[endpoint.wireFormat]
  const failures = due.failures + 1
  const retryAfterMs = readRetryAfter(retryAfterOf(outcome), now.getTime())
  const { retrySchedule: schedule } = endpoint
  const { jitterRatio } = format
  const delayMs = retryDelayMs({ schedule, failures, jitterRatio, random, retryAfterMs })
  const event = eventOf(outcome, {
    retriesLeft: delayMs !== undefined,
    goneDisables: format.disablesOnGone,
  })
  const status = statusAfterAttempt(due.attemptCount === 0 ? 'PENDING' : 'RETRYING', event)
  const retry = event === 'FAILURE' && delayMs !== undefined
  const nextAttemptAt = retry ? after(now, delayMs) : null
  const health = pauseIfAsked(afterFailure(before, now), { outcome, now, retryAfterMs })
  const nextDueAt = endpoint.ordered && retry ? due.dueAt : nextAttemptAt
  const settled = {
    ...sent,
    status,
    failures,
    nextAttemptAt,
    nextDueAt,
    settledAt: now,
    health,
    recoveredFrom: null,
  }
  return { settled, health, gone: event === 'GONE' }
}

type Pause = { outcome: Outcome; now: Date; retryAfterMs: number | undefined }

/** 429 and Retry-After speak for the whole endpoint: the lane rests, not only this delivery. */
function pauseIfAsked(health: Health, { outcome, now, retryAfterMs }: Pause): Health {
  const asked = retryAfterMs ?? (outcome.answer?.statusCode === 429 ? overloadPauseMs : undefined)
  return asked ? pausedUntil(health, after(now, asked)) : health
}

function retryAfterOf({ answer }: Outcome): string | undefined {
  return answer?.headers.find(([name]) => name.toLowerCase() === 'retry-after')?.[1]
}

function after(now: Date, ms: number): Date {
  return new Date(now.getTime() + ms)
}
