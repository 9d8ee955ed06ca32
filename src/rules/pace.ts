/**
 * A token bucket that holds a tenth of a second: at most `ratePerSecond` and a tenth of it in any
 * one second, and a burst no larger than a receiver that asked for a limit would expect.
 */
export type Pace = { readonly tokens: number; readonly at: number }

/** A full bucket. */
export function startPace(ratePerSecond: number, nowMs: number): Pace {
  return { tokens: capacity(ratePerSecond), at: nowMs }
}

/** The bucket after one request, or how long to wait for the next token, in ms. */
export function takeToken(
  pace: Pace,
  ratePerSecond: number,
  nowMs: number,
): { ok: true; pace: Pace } | { ok: false; waitMs: number } {
  const gained = (Math.max(0, nowMs - pace.at) * ratePerSecond) / 1000
  const tokens = Math.min(capacity(ratePerSecond), pace.tokens + gained)
  if (tokens >= 1) return { ok: true, pace: { tokens: tokens - 1, at: nowMs } }
  return { ok: false, waitMs: Math.ceil(((1 - tokens) * 1000) / ratePerSecond) }
}

function capacity(ratePerSecond: number): number {
  return Math.max(1, ratePerSecond / 10)
}
