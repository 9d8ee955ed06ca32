import { setTimeout as pause } from 'node:timers/promises'
import { feedPollMs, subscriberQueueMax } from '../limits/live.ts'
import type { Log } from '../log.ts'
import type { ChangePosition } from '../store/change.ts'
import type { DeliveryFilter } from '../store/delivery-filter.ts'
import type { News } from './audience.ts'
import { comparePositions, type FeedChange, fits, looksAtAttempts } from './change.ts'
import { newSignal } from './signal.ts'
import type { Following, Tailer } from './tailer.ts'

/** What a subscriber gets, in order. */
export type FeedItem =
  | { readonly kind: 'CHANGE'; readonly change: FeedChange }
  /** Everything up to here that the subscriber asked for was given. */
  | { readonly kind: 'CHECKPOINT'; readonly position: ChangePosition }
  /** What lies between the place asked for and this one cannot be told any more. */
  | { readonly kind: 'RESET'; readonly position: ChangePosition; readonly reason: string }

/** Which changes a subscriber wants. */
export type FeedWish = {
  readonly workspaceId: string
  /** Null: from now on. */
  readonly after: ChangePosition | null
  readonly filter: DeliveryFilter
  /** Whether it wants to know the attempts that caused the changes. */
  readonly withAttempts: boolean
}

/** A wish, and the means to fulfil it. */
export type SubscriberOptions = FeedWish & {
  readonly tailer: Tailer
  /** Reads what was missed, in the feed's order, as many as one read gives. */
  readonly readAfter: (position: ChangePosition) => Promise<Missed>
  /** Why the feed cannot go on from a place, where it cannot. */
  readonly refusal: (position: ChangePosition, end: ChangePosition) => string | undefined
  readonly checkpointEveryMs: number
  readonly log: Log
}

/** Changes after a place. `full`: there may be more at once. */
export type Missed = Pick<News, 'changes' | 'upTo'> & { readonly full: boolean }

/** The feed of one subscriber. `return` ends a `next` that waits. */
export type Subscriber = Required<Pick<AsyncIterator<FeedItem, undefined>, 'next' | 'return'>> & {
  /** What the next calls of `next` would give without waiting, up to `max`. */
  readonly takeReady: (max: number) => readonly FeedItem[]
}

/**
 * Two ways to get changes. A live subscriber is told by the tailer and keeps what it is told in a
 * bounded queue. One that is behind, because it asked for the past or did not keep up, reads the
 * table from its own place, page by page and only as fast as it is asked for more; when it has
 * caught up with the tailer it is live again. So nothing is dropped, memory is bounded, and nobody
 * waits for the slowest.
 *
 * It has caught up when it has read to the fence and that fence is no older than the tailer's:
 * what the tailer tells next begins where this reading ended. News it has seen already are skipped.
 */
export function openSubscriber(options: SubscriberOptions): Subscriber {
  const state = newState()
  const timer = setInterval(() => {
    state.checkpointDue = state.following !== undefined
    state.signal.raise()
  }, options.checkpointEveryMs).unref()

  async function next(): Promise<IteratorResult<FeedItem, undefined>> {
    while (!state.closed) {
      const item = takeItem(state)
      if (item) return { done: false, value: item }
      if (!state.following) await begin(options, state)
      else if (!state.live) await catchUp(options, state)
      else await state.signal.wait(Infinity)
    }
    return { done: true, value: undefined }
  }

  return {
    next,
    takeReady: (max) => {
      const items: FeedItem[] = []
      for (let item; items.length < max && (item = takeItem(state));) items.push(item)
      return items
    },
    return: () => {
      state.closed = true
      state.queue = []
      clearInterval(timer)
      state.following?.stop()
      state.signal.raise()
      return Promise.resolve({ done: true, value: undefined })
    },
  }
}

type State = {
  following: Following | undefined
  queue: FeedChange[]
  /** Looked through up to here, the queue included. */
  seen: ChangePosition
  /** Given up to here. */
  given: ChangePosition
  live: boolean
  /** To be given before all else: the first item of every subscriber. */
  notice: FeedItem | undefined
  checkpointDue: boolean
  closed: boolean
  readonly signal: ReturnType<typeof newSignal>
}

const nowhere: ChangePosition = { xid: 0n, id: '', index: 0 }

function newState(): State {
  return {
    following: undefined,
    queue: [],
    seen: nowhere,
    given: nowhere,
    live: false,
    notice: undefined,
    checkpointDue: false,
    closed: false,
    signal: newSignal(),
  }
}

async function begin(options: SubscriberOptions, state: State): Promise<void> {
  const { tailer, workspaceId, after, filter } = options
  const listener = {
    endpointIds: filter.endpointIds,
    statuses: filter.statuses,
    withAttempts: options.withAttempts || looksAtAttempts(filter),
    hear: (news: News) => hear(options, state, news),
    miss: () => {
      state.live = false
      state.signal.raise()
    },
  }
  const following = await tailer
    .follow(workspaceId, listener)
    .catch((error: unknown) => retryLater(options, error))
  if (!following) return
  if (state.closed) following.stop()
  state.following = following
  const reason = after ? options.refusal(after, following.from) : undefined
  const position = after && reason === undefined ? after : following.from
  state.seen = position
  state.given = position
  state.live = position === following.from && isCaughtUp(state)
  state.notice =
    reason === undefined ? { kind: 'CHECKPOINT', position } : { kind: 'RESET', position, reason }
}

function isCaughtUp({ seen, following }: State): boolean {
  return following !== undefined && seen.xid >= following.position().xid
}

/**
 * News from the tailer, which leaves out those that do not concern this subscriber: so everything
 * before them was seen. Where they do not fit in, the table is read from the first that did not.
 */
function hear({ filter }: SubscriberOptions, state: State, { from, changes, upTo }: News): void {
  if (!state.live) return
  state.seen = later(state.seen, from)
  for (const change of changes) {
    if (comparePositions(change.position, state.seen) <= 0) continue
    if (fits(filter, change)) {
      state.signal.raise()
      state.live = state.queue.length < subscriberQueueMax
      if (!state.live) return
      state.queue.push(change)
    }
    state.seen = change.position
  }
  state.seen = later(state.seen, upTo)
}

function later(a: ChangePosition, b: ChangePosition): ChangePosition {
  return comparePositions(a, b) > 0 ? a : b
}

function takeItem(state: State): FeedItem | undefined {
  const { notice } = state
  if (notice) {
    state.notice = undefined
    return notice
  }
  if (state.checkpointDue) {
    state.checkpointDue = false
    return { kind: 'CHECKPOINT', position: checkpointOf(state) }
  }
  const change = state.queue.shift()
  if (!change) return undefined
  state.given = change.position
  return { kind: 'CHANGE', change }
}

/** A live subscriber was told all that concerns it up to where the tailer is. */
function checkpointOf({ queue, given, live, seen, following }: State): ChangePosition {
  if (queue.length > 0) return given
  return live && following ? later(seen, following.position()) : seen
}

async function catchUp(options: SubscriberOptions, state: State): Promise<void> {
  const missed = await options
    .readAfter(state.seen)
    .catch((error: unknown) => retryLater(options, error))
  if (!missed || state.closed) return
  state.queue.push(...missed.changes.filter((change) => fits(options.filter, change)))
  state.seen = missed.upTo
  state.live = !missed.full && isCaughtUp(state)
}

/** A database that is down is waited for: what was missed is still there when it is back. */
async function retryLater({ log }: SubscriberOptions, error: unknown): Promise<undefined> {
  log.debug({ err: error }, 'could not read the feed for a subscriber, trying again')
  await pause(feedPollMs, undefined, { ref: false })
}
