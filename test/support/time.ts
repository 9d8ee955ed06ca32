import type { Clock } from '../../src/clock.ts'

/** A clock that jumps when a test says so. */
export type MovableClock = Clock & {
  /** Forward by this much. Whoever waits for a time looks at the clock within a second. */
  readonly advance: (seconds: number) => void
}

/** A clock that runs as time does between its jumps. Starts at the present time. */
export function movableClock(): MovableClock {
  let aheadMs = 0
  return {
    now: () => new Date(Date.now() + aheadMs),
    advance: (seconds) => {
      aheadMs += seconds * 1000
    },
  }
}

/** A clock that stands still between its jumps: no edge of a day can pass while a test looks. */
export function stillClock(): MovableClock {
  let nowMs = Date.now()
  return {
    now: () => new Date(nowMs),
    advance: (seconds) => {
      nowMs += seconds * 1000
    },
  }
}
