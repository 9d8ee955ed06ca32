import { setTimeout as pause } from 'node:timers/promises'
import { monotonicMs } from './monotonic.ts'

/**
 * Starts `action` again and again, first after `everyMs`, whether or not the last one has ended.
 * Resolves when the time is over and all have ended.
 */
export async function repeat(
  { everyMs, forMs }: { everyMs: number; forMs: number },
  action: (round: number) => Promise<void>,
): Promise<void> {
  const startedMs = monotonicMs()
  const running: Promise<void>[] = []
  for (let round = 0; (round + 1) * everyMs < forMs; round += 1) {
    await until(startedMs + (round + 1) * everyMs)
    running.push(action(round))
  }
  await Promise.all(running)
  await until(startedMs + forMs)
}

function until(atMs: number): Promise<void> {
  return pause(Math.max(0, atMs - monotonicMs()))
}
