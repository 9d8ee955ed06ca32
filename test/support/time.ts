import type { Clock } from '../../src/clock.ts'

/** A clock that runs as time does, and jumps when a test says so. */
export type MovableClock = Clock & {
  /** Forward by this much. Whoever waits for a time looks at the clock within a second. */
  readonly advance: (seconds: number) => void
}

/** Starts at the present time. */
export function movableClock(): MovableClock {
  let aheadMs = 0
  return {
    now: () => new Date(Date.now() + aheadMs),
    advance: (seconds) => {
      aheadMs += seconds * 1000
    },
  }
}
