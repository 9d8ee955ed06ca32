import type { Clock } from '../clock.ts'
import type { Database } from '../db.ts'
import { dayMs } from '../limits.ts'
import { checkpointEveryMs, feedCatchUpsMax, feedReadChangesMax } from '../limits/live.ts'
import type { Log } from '../log.ts'
import { type ChangePosition, positionAt, readChanges } from '../store/change.ts'
import { hotReadsOf, type Read, readsOf } from '../store/reads.ts'
import { completeChanges, looksAtAttempts, positionTime, readTo } from './change.ts'
import { openNotifier } from '../notifier.ts'
import { type FeedWish, type Missed, openSubscriber, type Subscriber } from './subscriber.ts'
import { openTailer } from './tailer.ts'
import { newTurns } from './turns.ts'

/** What a subscriber gets. */
export type { FeedItem } from './subscriber.ts'

/** The live feed of deliveries: one in each process. */
export type Hub = AsyncDisposable & {
  readonly subscribe: (wish: FeedWish) => Subscriber
  /**
   * Changes of these workspaces were committed by this process. A hint that costs next to nothing:
   * it spares subscribers here and elsewhere the wait for the next poll.
   */
  readonly changed: (workspaceIds: readonly string[]) => void
}

/** What the feed is made of. */
export type HubOptions = {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** Older places are answered by a reset. */
  readonly retentionDays: number
  /** For tests; `limits.ts` says how often otherwise. */
  readonly checkpointEveryMs?: number
}

/** Opens the feed. Reads nothing until there are subscribers. */
export function openHub(options: HubOptions): Hub {
  const { database, clock, log } = options
  const read = readsOf(database)
  const turn = newTurns(feedCatchUpsMax)
  const tailer = openTailer({ read: hotReadsOf(database), clock, log })
  const notifier = openNotifier({
    pool: database.pool,
    log,
    channel: 'postrider_change',
    heard: tailer.poke,
  })
  const subscribers = new Set<Subscriber>()
  return {
    subscribe: (wish) => {
      notifier.listen()
      const subscriber = openSubscriber({
        ...wish,
        tailer,
        log,
        readAfter: (after) => turn(() => readMissed(read, clock, { ...wish, after })),
        refusal: (position, end) => refusal(options, position, end),
        checkpointEveryMs: options.checkpointEveryMs ?? checkpointEveryMs,
      })
      subscribers.add(subscriber)
      return {
        ...subscriber,
        return: () => {
          subscribers.delete(subscriber)
          return subscriber.return()
        },
      }
    },
    changed: (workspaceIds) => {
      tailer.poke(workspaceIds)
      notifier.announce(workspaceIds)
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...subscribers].map((subscriber) => subscriber.return()))
      await tailer[Symbol.asyncDispose]()
      await notifier[Symbol.asyncDispose]()
    },
  }
}

async function readMissed(
  read: Read,
  clock: Clock,
  wish: FeedWish & { after: ChangePosition },
): Promise<Missed> {
  const page = await readChanges(read, [wish], feedReadChangesMax)
  const end = positionAt(page.fence, clock.now())
  const withAttempts = wish.withAttempts || looksAtAttempts(wish.filter)
  const incomplete = { workspaceId: wish.workspaceId, changes: page.changes, withAttempts }
  const changes = await completeChanges(read, incomplete)
  return { changes, ...readTo(wish.after, page.changes, end) }
}

function refusal(
  { clock, retentionDays }: HubOptions,
  position: ChangePosition,
  end: ChangePosition,
): string | undefined {
  if (position.xid > end.xid) return 'The cursor is of another database, or of a later state.'
  const ageDays = (clock.now().getTime() - positionTime(position)) / dayMs
  if (ageDays < retentionDays) return undefined
  return `The cursor is older than the ${retentionDays} days that changes are kept.`
}
