import type { FeedItem } from './feed-item.ts'
import { openVisit, type VisitOptions } from './visit.ts'

/** The feed is away, and is asked for again in a while. */
export type Retry = {
  /** In words: `Rate limit of 100 requests …`, `Service restart. (1012)`. */
  readonly reason: string
  /** How often in a row it was away at once: 1 after a connection that showed something. */
  readonly failures: number
  /** Until it is asked for again. */
  readonly waitMs: number
}

/** What to follow, and from where. */
export type FollowOptions = VisitOptions & {
  /** The last cursor: what happened since comes first. Now, unless given. */
  readonly after?: string | null
  /** Ends the following, without an error. */
  readonly signal?: AbortSignal
  /**
   * Called with each cursor up to which everything was dealt with: of a change when the next one
   * is asked for. Keep it, and nothing is missed between two runs.
   */
  readonly onCursor?: (cursor: string) => void
  /** Called when a connection broke, or was refused for now, as for a rate limit. */
  readonly onRetry?: (retry: Retry) => void
}

/**
 * Follows the feed of deliveries for as long as it is read: every change, in the feed's order. A
 * connection that breaks is opened again from the last cursor, so nothing is missed; a change
 * whose cursor was not reached comes again. A {@link FeedItem} of type `StreamReset` says that the
 * cursor is too old, and what lies before is to be read by query. It ends with an error of the
 * name `FeedRefused` where the key or the question is refused, also later, when the key is revoked.
 */
export async function* followDeliveries(
  options: FollowOptions,
): AsyncGenerator<FeedItem, void, undefined> {
  const { signal, onCursor, onRetry } = options
  let cursor = options.after ?? null
  let failures = 0
  while (!isOver(signal)) {
    const visit = openVisit(options, cursor)
    signal?.addEventListener('abort', visit.leave)
    try {
      for (let item = await visit.next(); item && !isOver(signal); item = await visit.next()) {
        failures = 0
        if (item.kind !== 'StreamCheckpoint') yield item
        cursor = item.cursor
        onCursor?.(cursor)
      }
    } finally {
      signal?.removeEventListener('abort', visit.leave)
      visit.leave()
    }
    failures += 1
    const retry = { reason: await visit.ended, failures, waitMs: waitMsAfter(failures) }
    if (!isOver(signal)) onRetry?.(retry)
    await pause(retry.waitMs, signal)
  }
}

function isOver(signal: AbortSignal | undefined): boolean {
  return signal?.aborted ?? false
}

const firstWaitMs = 100
const waitMsMax = 15_000

/** Longer with each failure, and at random: a thousand clients should not come back at once. */
function waitMsAfter(failures: number): number {
  return Math.round(Math.min(firstWaitMs * 2 ** failures, waitMsMax) * (0.5 + Math.random() / 2))
}

async function pause(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, waitMs)
    if (isOver(signal)) done()
    else signal?.addEventListener('abort', done)
  })
}
