import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '../db.ts'
import { replayWatchEveryMs } from '../limits/replays.ts'
import type { Log } from '../log.ts'
import type { Replay } from '../model/replay.ts'
import type { TenantKey } from '../store/endpoint.ts'
import { findReplays } from '../store/replay.ts'
import { newSignal, type Signal } from './signal.ts'

/** Tells how replays get on: one in each process. */
export type ReplayWatch = AsyncDisposable & {
  /** The state it is in now, then each that is seen to differ; ends behind the last one. */
  readonly follow: (key: TenantKey) => AsyncIterableIterator<Replay, undefined>
}

type Follower = {
  readonly key: TenantKey
  readonly signal: Signal
  /** Not given yet. A newer one takes its place: nobody is told of the past. */
  news: Replay | undefined
  /** The last that was news, as text. */
  known: string
  isOver: boolean
}

/** Reads the replays that somebody follows, all in one statement, and none besides. */
export function openReplayWatch(options: { database: Database; log: Log }): ReplayWatch {
  const followers = new Set<Follower>()
  const joined = newSignal()
  const closing = new AbortController()
  const reading = readOnAndOn(options, { followers, joined, closing: closing.signal })
  return {
    follow: (key) => {
      const follower = { key, signal: newSignal(), news: undefined, known: '', isOver: false }
      followers.add(follower)
      joined.raise()
      return progressOf(follower, () => followers.delete(follower))
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort()
      joined.raise()
      for (const follower of followers) end(follower)
      await reading
    },
  }
}

type Loop = {
  readonly followers: ReadonlySet<Follower>
  readonly joined: Signal
  readonly closing: AbortSignal
}

async function readOnAndOn(
  { database, log }: { database: Database; log: Log },
  { followers, joined, closing }: Loop,
): Promise<void> {
  while (!closing.aborted) {
    if (followers.size === 0) await joined.wait(Infinity)
    await tellAll(database, [...followers]).catch((error: unknown) => {
      log.debug({ err: error }, 'could not read the replays that are watched, trying again')
    })
    await pause(replayWatchEveryMs, undefined, { ref: false, signal: closing }).catch(() => {})
  }
}

async function tellAll({ orm }: Database, followers: readonly Follower[]): Promise<void> {
  if (followers.length === 0) return
  const keyOf = new Map(followers.map(({ key }) => [textOf(key), key]))
  const rows = await findReplays(orm.em.fork(), [...keyOf.values()])
  const rowOf = new Map(rows.map((row) => [textOf(row), row]))
  for (const follower of followers) tell(follower, rowOf.get(textOf(follower.key)))
}

/** One that is not there any more has ended. */
function tell(follower: Follower, row: Replay | undefined): void {
  if (!row) return end(follower)
  const state = `${row.status} ${row.matched} ${row.created}`
  if (state === follower.known) return
  follower.known = state
  follower.news = row
  follower.signal.raise()
}

function end(follower: Follower): void {
  follower.isOver = true
  follower.signal.raise()
}

function textOf({ workspaceId, id }: TenantKey): string {
  return `${workspaceId} ${id}`
}

/** No generator: its `return` would wait for news that a client who left does not want. */
function progressOf(
  follower: Follower,
  leave: () => void,
): AsyncIterableIterator<Replay, undefined> {
  return {
    next: async () => {
      while (!follower.news && !follower.isOver) await follower.signal.wait(Infinity)
      const value = follower.news
      follower.news = undefined
      if (value?.status === 'RUNNING') return { done: false, value }
      leave()
      end(follower)
      return value ? { done: false, value } : { done: true, value: undefined }
    },
    return: async () => {
      leave()
      end(follower)
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
