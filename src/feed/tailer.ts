import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import { feedGapMs, feedPollMs, feedReadChangesMax, feedReadWorkspacesMax } from '../limits/live.ts'
import type { Log } from '../log.ts'
import {
  type ChangePage,
  type ChangePosition,
  positionAt,
  readChanges,
  readFence,
} from '../store/change.ts'
import type { Read } from '../store/reads.ts'
import { type Audience, type Listener, newAudience } from './audience.ts'
import { completeChanges, readTo } from './change.ts'
import { newSignal, type Signal } from './signal.ts'

/** One listener among those who follow a workspace. */
export type Following = {
  /** The end of the feed when following began. */
  readonly from: ChangePosition
  /** Everything up to here was told to whoever followed. */
  readonly position: () => ChangePosition
  readonly stop: () => void
}

/** Reads the end of the feed, once for all subscribers of this process. */
export type Tailer = AsyncDisposable & {
  readonly follow: (workspaceId: string, listener: Listener) => Promise<Following>
  /** There may be news of these workspaces; null: of any. */
  readonly poke: (workspaceIds: readonly string[] | null) => void
}

type Tail = {
  readonly workspaceId: string
  readonly audience: Audience
  position: ChangePosition
  /** To be read at once. */
  poked: boolean
  /** To be read until the fence has passed this transaction; null: with all others. */
  awaited: bigint | null
}

type TailerOptions = { readonly read: Read; readonly clock: Clock; readonly log: Log }

/**
 * One loop: it sleeps until poked or until `feedPollMs` has passed, then reads the workspaces that
 * have subscribers, and no others. A poke says "committed", but the row may still be behind the
 * fence, held there by a transaction that nobody will announce. So a poked workspace is read again
 * and again, ever more slowly, until the fence has passed every transaction that had begun by then.
 */
export function openTailer(options: TailerOptions): Tailer {
  const tails = new Map<string, Tail>()
  const signal = newSignal()
  const closing = new AbortController()
  const poke = (tail: Tail | undefined) => {
    if (!tail) return
    tail.poked = true
    signal.raise()
  }
  const running = run({ ...options, tails, signal, poke, closing: closing.signal })
  return {
    follow: async (workspaceId, listener) => {
      const from = positionAt(await readFence(options.read), options.clock.now())
      const tail = tails.get(workspaceId) ?? newTail(workspaceId, from)
      tails.set(workspaceId, tail)
      tail.audience.add(listener)
      poke(tail)
      const stop = () => {
        tail.audience.delete(listener)
        if (tail.audience.isEmpty()) tails.delete(workspaceId)
      }
      return { from, position: () => tail.position, stop }
    },
    poke: (workspaceIds) => {
      for (const workspaceId of workspaceIds ?? tails.keys()) poke(tails.get(workspaceId))
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort()
      signal.raise()
      await running
    },
  }
}

function newTail(workspaceId: string, position: ChangePosition): Tail {
  return { workspaceId, audience: newAudience(), position, poked: false, awaited: null }
}

type Loop = TailerOptions & {
  readonly tails: ReadonlyMap<string, Tail>
  readonly signal: Signal
  readonly poke: (tail: Tail) => void
  readonly closing: AbortSignal
}

async function run(loop: Loop): Promise<void> {
  const { tails, signal, closing, log } = loop
  let allReadAtMs = 0
  let rounds = 0
  while (!closing.aborted) {
    const hot = [...tails.values()].some(isHot)
    const waitMs = hot ? Math.min(feedGapMs * 2 ** rounds, feedPollMs) : feedPollMs
    await signal.wait(tails.size > 0 ? waitMs : Infinity)
    const all = performance.now() - allReadAtMs >= feedPollMs
    if (all) allReadAtMs = performance.now()
    const due = [...tails.values()].filter((tail) => all || isHot(tail))
    rounds = due.some((tail) => tail.poked) ? 0 : rounds + 1
    const full = await readTails(loop, due).catch((error: unknown) => {
      log.warn({ err: error }, 'could not read the feed, trying again')
    })
    // Changes of this time share one read.
    if (full !== true) await pause(feedGapMs, undefined, { ref: false })
  }
}

function isHot(tail: Tail): boolean {
  return tail.poked || tail.awaited !== null
}

/** Whether there is more to read at once. */
async function readTails(loop: Loop, due: readonly Tail[]): Promise<boolean> {
  let more = false
  for (let start = 0; start < due.length; start += feedReadWorkspacesMax) {
    const some = due.slice(start, start + feedReadWorkspacesMax)
    const poked = new Set(some.filter((tail) => tail.poked))
    // Before the read: a poke that comes meanwhile is of a commit it may not see.
    for (const tail of some) tail.poked = false
    const wishes = some.map(({ workspaceId, position }) => ({ workspaceId, after: position }))
    const page = await readChanges(loop.read, wishes, feedReadChangesMax)
    for (const tail of some) {
      const awaited = poked.has(tail) ? page.horizon : tail.awaited
      tail.awaited = awaited !== null && page.fence < awaited ? awaited : null
    }
    const end = positionAt(page.fence, loop.clock.now())
    const told = await Promise.all(some.map((tail) => tell(loop, tail, { page, end })))
    more ||= told.includes('FULL')
  }
  return more
}

async function tell(
  loop: Loop,
  tail: Tail,
  { page, end }: { page: ChangePage; end: ChangePosition },
): Promise<'FULL' | 'DONE'> {
  const { workspaceId, audience, position: from } = tail
  const found = page.changes.filter((change) => change.workspaceId === workspaceId)
  const wanted = audience.prepare()
  const changes = await completeChanges(loop.read, {
    ...{ workspaceId, withAttempts: wanted.attempts },
    changes: found.filter(({ status }) => wanted.statuses?.has(status) ?? true),
  })
  const { upTo, full } = readTo(from, found, end)
  // From here on nothing is awaited: nobody sees the one without the other.
  tail.position = upTo
  audience.tell({ from, changes, upTo })
  if (full) loop.poke(tail)
  return full ? 'FULL' : 'DONE'
}
