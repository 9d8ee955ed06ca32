import type { Clock } from '../clock.ts'
import type { Pool } from '../db.ts'
import { rateLimitBatchMax, rateLimitBlocks } from '../limits.ts'
import type { Log } from '../log.ts'
import { Batcher } from '../pipeline/batcher.ts'
import type { Caller } from './caller.ts'
import { type Claim, minuteMs, newTallies, type Tallies } from './minute-tally.ts'
import { newSharedCount, type SharedCount } from './shared-count.ts'

/** Where a caller stands in the running minute. `limit` 0 means none. */
export type RateLimitState = {
  readonly limit: number
  readonly remaining: number
  readonly resetAt: Date
}

/** Counts requests, those of all processes together. */
export type RateLimiter = {
  /** Counts one request, unless the caller has used up the minute: then it is to be refused. */
  readonly take: (caller: Caller) => Promise<RateLimitState & { readonly taken: boolean }>
  /** As the key's last request here found it. */
  readonly peek: (caller: Caller) => RateLimitState
}

type RateLimiterOptions = {
  readonly clock: Clock
  readonly pool: Pool
  readonly log: Pick<Log, 'warn'>
}

type Asking = { readonly keyId: string; readonly limit: number }

/**
 * A fixed window, the minute of the database's clock, in one row a key. At its edge a key can make
 * twice its limit within a moment, which a limit against running wild can bear.
 *
 * A request costs one upsert (0.04 ms of the database's processor), and mostly less: those that
 * arrive during one share the next, a key is given a hundredth of its limit at a time, and one that
 * has used up its minute is refused from memory. So a key costs about a hundred statements a minute
 * whatever its limit; it never gets more than that, and with n processes n - 1 hundredths may stay
 * unused. The store of `rate-limiter-flexible` takes a statement for every request, has one limit
 * for all keys, and windows by each machine's own clock.
 *
 * While the database is away each process counts alone, from what it last knew: nobody is blocked
 * by that, and n processes let through n times the limit at most.
 */
export function newRateLimiter({ clock, ...options }: RateLimiterOptions): RateLimiter {
  const tallies = newTallies(clock)
  const countTogether = newSharedCount(options)
  const claims = new Batcher({
    flush: async (asking: readonly Asking[]) => {
      const passing = await claim(asking, tallies, countTogether)
      return asking.map(({ keyId }) => {
        const left = passing.get(keyId) ?? 0
        passing.set(keyId, left - 1)
        return left > 0
      })
    },
    itemsMax: rateLimitBatchMax,
  })

  function peek({ keyId, rateLimitPerMinute: limit }: Caller): RateLimitState {
    const { minuteMs: begun, used, spare } = tallies.of(keyId ?? '')
    const remaining = limit === 0 ? 0 : limit - used + spare
    return { limit, remaining, resetAt: new Date(begun + minuteMs) }
  }

  async function mayPass({ keyId, rateLimitPerMinute: limit }: Caller): Promise<boolean> {
    if (keyId === null || limit === 0 || tallies.spend(keyId)) return true
    return tallies.of(keyId).used < limit && claims.add({ keyId, limit })
  }

  return {
    peek,
    take: async (caller) => {
      const asked = tallies.minute()
      const passes = await mayPass(caller)
      // Refused as a minute ended, it would be told to wait for the end of the next.
      const taken = passes || (tallies.minute() > asked && (await mayPass(caller)))
      return { ...peek(caller), taken }
    },
  }
}

/** Counts those that ask, and says for each key how many of them may pass. */
async function claim(
  asking: readonly Asking[],
  tallies: Tallies,
  countTogether: SharedCount,
): Promise<Map<string, number>> {
  const claims = claimsOf(asking)
  const counted = await countTogether(tallies.minute(), claims)
  const passing = new Map<string, number>()
  for (const one of claims) {
    const { keyId, requests } = one
    const { used, minuteMs: begun } = tallies.of(keyId)
    const alone = { keyId, minute: new Date(begun), used: used + requests }
    const found = counted?.find((row) => row.keyId === keyId)
    passing.set(keyId, tallies.add(one, found ?? alone))
  }
  return passing
}

/** For each key as many as ask, and no fewer than its block. */
function claimsOf(asking: readonly Asking[]): readonly Claim[] {
  const byKey = Map.groupBy(asking, ({ keyId }) => keyId)
  return [...byKey].map(([keyId, ofKey]) => {
    const limit = Math.max(...ofKey.map((one) => one.limit))
    const requests = Math.max(ofKey.length, Math.ceil(limit / rateLimitBlocks))
    return { keyId, limit, requests, asking: ofKey.length }
  })
}
