import { setTimeout as wait } from 'node:timers/promises'
import type { Pool } from './db.ts'
import { clockReadEveryMs, clockSkewWarnMs } from './limits.ts'
import type { Log } from './log.ts'

/** Time as the program sees it. Tests move it; nothing else calls `Date.now`. */
export type Clock = { readonly now: () => Date }

/** This machine's time. Only where no other process has to agree with it. */
export const systemClock: Clock = { now: () => new Date() }

/** A clock that is set anew, until it is disposed. */
export type FollowedClock = Clock &
  AsyncDisposable & {
    /** How far the database was ahead of this machine when that was last measured. */
    readonly skewMs: () => number
  }

/**
 * The database's time, so that all processes agree on what is due, and signatures carry a time that
 * receivers accept (they refuse 300 s of difference). The difference to this machine is measured at
 * the start and every minute.
 */
export async function followDatabaseClock(pool: Pool, log: Log): Promise<FollowedClock> {
  let offsetMs = await readOffset(pool, log)
  const stopping = new AbortController()
  const following = (async () => {
    while (!stopping.signal.aborted) {
      await wait(clockReadEveryMs, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) return
      offsetMs = await readOffset(pool, log).catch(() => offsetMs) // the database is away
    }
  })()
  return {
    now: () => new Date(Date.now() + offsetMs),
    skewMs: () => offsetMs,
    [Symbol.asyncDispose]: async () => {
      stopping.abort()
      await following
    },
  }
}

/** How far the database is ahead, in whole ms. Half the round trip is the uncertainty. */
async function readOffset(pool: Pool, log: Log): Promise<number> {
  const asked = Date.now()
  const { rows } = await pool.query<{ now: Date }>(
    '/* readClock */ select clock_timestamp() as now',
  )
  const answered = Date.now()
  const offsetMs = Math.round((rows[0]?.now.getTime() ?? asked) - (asked + answered) / 2)
  if (Math.abs(offsetMs) > clockSkewWarnMs) {
    log.warn({ offsetMs }, "this machine's clock and the database's differ; the database's is used")
  }
  return Math.abs(offsetMs) <= answered - asked ? 0 : offsetMs
}
