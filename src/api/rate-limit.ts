import type { Clock } from '../clock.ts'
import { apiKeyCacheMax } from '../limits.ts'
import type { Caller } from './caller.ts'

/** Where a caller stands in the running minute. `limit` 0 means none. */
export type RateLimitState = {
  readonly limit: number
  readonly remaining: number
  readonly resetAt: Date
}

/** Counts requests. Each process counts its own: with n processes a key gets up to n times more. */
export type RateLimiter = {
  /** Counts one request, unless the caller has used up the minute: then it is to be refused. */
  readonly take: (caller: Caller) => RateLimitState & { readonly taken: boolean }
  readonly peek: (caller: Caller) => RateLimitState
}

const windowMs = 60_000

/**
 * A fixed window, the minute of the clock: one number a key. At its edge a key can make twice its
 * limit within a moment, which a limit against running wild can bear.
 */
export function newRateLimiter(clock: Clock): RateLimiter {
  let windowStart = 0
  let counts = new Map<string, number>()

  function turnWindow(): void {
    const start = Math.floor(clock.now().getTime() / windowMs) * windowMs
    if (start === windowStart && counts.size <= apiKeyCacheMax) return
    windowStart = start
    counts = new Map()
  }

  function peek(caller: Caller): RateLimitState {
    turnWindow()
    const limit = caller.rateLimitPerMinute
    const used = counts.get(caller.keyId ?? '') ?? 0
    const resetAt = new Date(windowStart + windowMs)
    return { limit, remaining: Math.max(0, limit - used), resetAt }
  }

  return {
    peek,
    take: (caller) => {
      const { limit, remaining } = peek(caller)
      const taken = limit === 0 || remaining > 0
      if (taken && limit > 0 && caller.keyId !== null)
        counts.set(caller.keyId, limit - remaining + 1)
      return { ...peek(caller), taken }
    },
  }
}
