import { largeRequestsMax } from '../limits.ts'

/** Waits for its turn, then runs. `who`: those who wait take turns by it. */
export type TakeTurn = <Result>(who: string, run: () => Promise<Result>) => Promise<Result>

/**
 * Large requests run a few at a time. One of 200 events keeps the process busy for tens of
 * milliseconds between two looks at its sockets; with many at once, a small request would wait
 * for all of them at each of its steps. Whoever sends many waits for their own: callers take turns.
 */
export function newLargeRequests(): TakeTurn {
  const waiting = new Map<string, (() => void)[]>()
  let running = 0

  /** Only after the sockets were looked at: small requests that came meanwhile go first. */
  function passOn(): void {
    running -= 1
    setImmediate(startNext)
  }

  function startNext(): void {
    const [first] = waiting
    if (!first || running >= largeRequestsMax) return
    const [who, line] = first
    waiting.delete(who)
    const start = line.shift()
    if (line.length > 0) waiting.set(who, line)
    running += 1
    start?.()
  }

  return async (who, run) => {
    await new Promise<void>((start) => {
      const line = waiting.get(who)
      if (line) line.push(start)
      else waiting.set(who, [start])
      startNext()
    })
    return run().finally(passOn)
  }
}
