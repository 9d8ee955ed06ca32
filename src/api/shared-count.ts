import { setTimeout as wait } from 'node:timers/promises'
import type { Pool } from '../db.ts'
import { rateLimitAloneMs, rateLimitWaitMs } from '../limits.ts'
import type { Log } from '../log.ts'
import { type Counted, countRequests, type Wanted } from '../store/request-count.ts'

/** Counts with the other processes. Null while the database is away, or takes too long. */
export type SharedCount = (
  minute: Date,
  wanted: readonly Wanted[],
) => Promise<readonly Counted[] | null>

type SharedCountOptions = { readonly pool: Pool; readonly log: Pick<Log, 'warn'> }

/** After a failure nobody asks the database for `rateLimitAloneMs`, so that none waits again. */
export function newSharedCount({ pool, log }: SharedCountOptions): SharedCount {
  let aloneUntilMs = 0
  return async (minute, wanted) => {
    if (performance.now() < aloneUntilMs) return null
    const counting = countRequests(pool, minute, wanted).catch((error: unknown) => {
      log.warn({ err: error }, 'could not count requests together with other processes')
      return null
    })
    const counted = await noLonger(counting)
    if (counted === null) aloneUntilMs = performance.now() + rateLimitAloneMs
    return counted
  }
}

async function noLonger<Value>(counting: Promise<Value>): Promise<Value | null> {
  const done = new AbortController()
  const tooLong = wait(rateLimitWaitMs, null, { ref: false, signal: done.signal })
  try {
    return await Promise.race([counting, tooLong.catch(() => null)])
  } finally {
    done.abort()
  }
}
