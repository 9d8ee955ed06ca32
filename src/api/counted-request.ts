import type { Caller } from './caller.ts'
import type { Exchange } from './http.ts'
import { rateLimited, type RequestRefused } from './problem.ts'
import type { RateLimitState } from './rate-limit.ts'
import type { Services } from './services.ts'

type Counting = Pick<Services, 'rateLimiter' | 'clock'>

/**
 * Counts a request over HTTP, or refuses it. Either way its answer says where the key stands, in
 * the fields of draft-ietf-httpapi-ratelimit-headers-11.
 */
export async function countHttpRequest(
  { response }: Pick<Exchange, 'response'>,
  caller: Caller,
  { rateLimiter, clock }: Counting,
): Promise<void> {
  const state = await rateLimiter.take(caller)
  const resetSeconds = secondsUntil(state.resetAt, clock.now())
  if (state.limit > 0) {
    response.setHeader('ratelimit-policy', `"minute";q=${state.limit};w=60`)
    response.setHeader('ratelimit', `"minute";r=${state.remaining};t=${resetSeconds}`)
  }
  if (!state.taken) throw rateLimited(state.limit, resetSeconds)
}

/** Counts an operation over a socket; answers why it is refused, if it is. */
export async function countSocketOperation(
  caller: Caller,
  { rateLimiter, clock }: Counting,
): Promise<RequestRefused | null> {
  const { limit, resetAt, taken } = await rateLimiter.take(caller)
  return taken ? null : rateLimited(limit, secondsUntil(resetAt, clock.now()))
}

function secondsUntil(resetAt: RateLimitState['resetAt'], now: Date): number {
  return Math.max(1, Math.ceil((resetAt.getTime() - now.getTime()) / 1000))
}
