import type { Clock } from '../clock.ts'
import type { Pool } from '../db.ts'
import { readFeedFence } from '../store/feed-fence.ts'

/**
 * For how many seconds one transaction has kept the feed from moving on: changes committed since
 * then are seen by nobody yet. 0 while the feed moves. Known from the first look that found the
 * transaction, so it falls short by one interval of looking at most.
 */
export function newFeedLag(pool: Pool, clock: Clock): () => Promise<number> {
  let held: { readonly fence: string; readonly sinceMs: number } | null = null
  return async () => {
    const found = await readFeedFence(pool)
    const nowMs = clock.now().getTime()
    if (found === null || found.fence === found.horizon) held = null
    else if (held?.fence !== found.fence) held = { fence: found.fence, sinceMs: nowMs }
    return held === null ? 0 : Math.max(0, nowMs - held.sinceMs) / 1000
  }
}
