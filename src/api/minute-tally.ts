import type { Clock } from '../clock.ts'
import { apiKeyCacheMax } from '../limits.ts'
import type { Counted, Wanted } from '../store/request-count.ts'

/** A key's requests to count: those of them that wait for an answer, and its limit. */
export type Claim = Wanted & { readonly asking: number; readonly limit: number }

/** What this process knows of a key's minute. */
export type Tally = {
  readonly minuteMs: number
  /** Requests counted, those of all processes. */
  readonly used: number
  /** Of these, counted for requests that have yet to come here. */
  readonly spare: number
}

/** Some keys' tallies, each of the running minute. */
export type Tallies = {
  /** The running minute's begin. */
  readonly minute: () => Date
  readonly of: (keyId: string) => Tally
  /** Takes one request from what is spare; false where nothing is. */
  readonly spend: (keyId: string) => boolean
  /**
   * Takes in what was counted, as far as the limit has room, and says how many of those that wait
   * may pass: in the minute they were counted in, though another may have begun.
   */
  readonly add: (claim: Claim, counted: Counted) => number
}

/** In ms: a limit is for the minute of the clock. */
export const minuteMs = 60_000

/** Forgets keys when they are too many: the database has them all. */
export function newTallies(clock: Clock): Tallies {
  let tallies = new Map<string, Tally>()

  function minute(): Date {
    return new Date(Math.floor(clock.now().getTime() / minuteMs) * minuteMs)
  }

  function of(keyId: string): Tally {
    const begun = minute().getTime()
    const tally = tallies.get(keyId)
    // Another process may be ahead, and have begun the next minute.
    return tally && tally.minuteMs >= begun ? tally : { minuteMs: begun, used: 0, spare: 0 }
  }

  return {
    minute,
    of,
    spend: (keyId) => {
      const tally = of(keyId)
      if (tally.spare > 0) tallies.set(keyId, { ...tally, spare: tally.spare - 1 })
      return tally.spare > 0
    },
    add: ({ keyId, requests, asking, limit }, { minute: counting, used }) => {
      if (tallies.size > apiKeyCacheMax) tallies = new Map()
      const granted = Math.min(requests, Math.max(0, limit - used + requests))
      const passing = Math.min(asking, granted)
      const before = of(keyId)
      // What was spare in a minute is not for the next.
      const kept = before.minuteMs === counting.getTime() ? before.spare : 0
      tallies.set(keyId, {
        minuteMs: counting.getTime(),
        used: Math.min(used, limit),
        spare: kept + granted - passing,
      })
      return passing
    },
  }
}
