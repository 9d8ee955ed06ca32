import type { Clock } from '../clock.ts'
import type { Database } from '../db.ts'
import { replayScanMax, replayTurnMsMax, replayTurnsEveryMs } from '../limits/replays.ts'
import type { Log } from '../log.ts'
import { Rounds } from '../pipeline/rounds.ts'
import { publicId } from '../rules/id.ts'
import { readsOf } from '../store/reads.ts'
import { readReplayEvents } from '../store/replay-events.ts'
import * as store from '../store/replay-turn.ts'
import type { Telemetry } from '../telemetry.ts'
import { canceled, counted, mayBeLeft, rested, sliced } from './replay-turn.ts'

/** What working on replays needs. */
export type ReplaysContext = {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly telemetry: Pick<Telemetry, 'deliveriesCreated'>
  /** Changes of these workspaces were committed. */
  readonly changed: (workspaceIds: readonly string[]) => void
  /** There is new work in the table for these endpoints. */
  readonly added: (endpointIds: readonly string[]) => void
}

/**
 * Works on the replays of all workspaces, one turn at a time, in turn with every other process that
 * does. There is no owner to lose: a turn is claimed for `replayTurnMsMax`, and what it did is
 * stored with how far it came, so the next one goes on from there, wherever it runs.
 */
export function workOnReplays(context: ReplaysContext): AsyncDisposable {
  const stopping = new AbortController()
  const rounds = new Rounds({
    everyMs: replayTurnsEveryMs,
    run: async () => {
      while (!stopping.signal.aborted && (await takeReplayTurn(context)));
    },
    failed: (error) => {
      context.log.error({ err: error }, "a replay's turn failed; it is taken again")
    },
  })
  return {
    [Symbol.asyncDispose]: () => {
      stopping.abort()
      return rounds.stop()
    },
  }
}

/** One turn of the replay that has waited longest. False: none wants one now. */
export async function takeReplayTurn(context: ReplaysContext): Promise<boolean> {
  const { database, clock } = context
  const at = clock.now()
  const nextTurnAt = new Date(at.getTime() + replayTurnMsMax)
  const replay = await store.claimReplayTurn(database.pool, { at, nextTurnAt })
  if (!replay) return false
  const end = await work(context, replay)
  if (await store.storeReplayTurn(database.pool, replay, end)) report(context, replay, end)
  return true
}

async function work(context: ReplaysContext, replay: store.ReplayTurn): Promise<store.TurnEnd> {
  const { database, clock } = context
  if (replay.endpointState === 'DELETED') return canceled(replay, clock.now())
  if (replay.isCounted && !(await hasRoom(context, replay))) return rested(replay, clock.now())
  const events = await readReplayEvents(readsOf(database), replay, replayScanMax)
  return replay.isCounted
    ? sliced(replay, clock.now(), events)
    : counted(replay, clock.now(), events)
}

/**
 * Whether the endpoint has attempted what it had when the last slice was made. What is published
 * since does not count, so a busy endpoint is replayed as well; what waits for a retry later does
 * not either. While its circuit is open, or it is slow, nothing is put on top.
 */
async function hasRoom({ database }: ReplaysContext, replay: store.ReplayTurn): Promise<boolean> {
  const { endpointId, workspaceId, slicedAt, createdAt } = replay
  if (replay.endpointState === 'DISABLED') return false
  const left = mayBeLeft(replay)
  const lane = { endpointId, workspaceId, until: slicedAt ?? createdAt, limit: left + 1 }
  return (await store.countUnattempted(database.pool, lane)) <= left
}

/** Hints to lane and feed, and a line when the replay has ended. */
function report(context: ReplaysContext, replay: store.ReplayTurn, end: store.TurnEnd): void {
  const { endpointId, workspaceId, matched } = replay
  const made = end.deliveries.length
  if (made > 0) {
    context.telemetry.deliveriesCreated.inc(made)
    context.added([endpointId])
    context.changed([workspaceId])
  }
  if (end.status === 'RUNNING') return
  const ids = {
    replay: publicId('rpl', replay.id),
    endpoint: publicId('wh', endpointId),
    workspace: publicId('ws', workspaceId),
  }
  const created = replay.created + made
  context.log.info({ ...ids, status: end.status, matched, created }, 'replay ended')
}
