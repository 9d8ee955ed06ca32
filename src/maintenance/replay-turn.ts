import { newDeliveryUuid, newUuid } from '../rules/id.ts'
import { nextSliceSize, restMs, stragglersMax } from '../rules/replay-pace.ts'
import { replayRestMs, replayScanMax } from '../limits/replays.ts'
import { beforeEventsOf, type SeenEvent } from '../store/replay-events.ts'
import type { ReplayedDelivery, ReplayTurn, TurnEnd } from '../store/replay-turn.ts'

/** How a turn leaves its replay; the next one comes at once unless told otherwise. */
function turnEnd(replay: ReplayTurn, at: Date, changes: Partial<TurnEnd>): TurnEnd {
  const { matched, isCounted, seenTo, sliceSize, slicedAt } = replay
  return {
    ...{ status: 'RUNNING', matched, isCounted, seenTo, sliceSize, slicedAt, deliveries: [] },
    ...{ at, nextTurnAt: at, changeId: newUuid(at.getTime()) },
    ...changes,
  }
}

/** Nothing was done: the endpoint is disabled, or has not attempted what it has. */
export function rested(replay: ReplayTurn, at: Date): TurnEnd {
  const waitedMs = at.getTime() - (replay.slicedAt ?? replay.createdAt).getTime()
  return turnEnd(replay, at, { nextTurnAt: new Date(at.getTime() + restMs(waitedMs)) })
}

/** Its endpoint was deleted. */
export function canceled(replay: ReplayTurn, at: Date): TurnEnd {
  return turnEnd(replay, at, { status: 'CANCELED' })
}

/** Some more events were counted; after the last of them delivering begins, from the first. */
export function counted(replay: ReplayTurn, at: Date, events: readonly SeenEvent[]): TurnEnd {
  const matched = replay.matched + events.filter(({ fits }) => fits).length
  const isCounted = isLastPage(events)
  const seenTo = isCounted ? beforeEventsOf(replay.since) : seenUpTo(replay, events)
  return turnEnd(replay, at, { matched, isCounted, seenTo })
}

/**
 * The next slice. Of an ordered endpoint the lane goes by the due time, so that of a slice is later
 * than that of the one before, whoever's clock it is; within one the ids rise.
 */
export function sliced(replay: ReplayTurn, now: Date, events: readonly SeenEvent[]): TurnEnd {
  const at = afterLastSlice(replay, now)
  const tookMs = now.getTime() - (replay.slicedAt?.getTime() ?? -Infinity)
  const size = replay.slicedAt === null ? replay.sliceSize : nextSliceSize(replay.sliceSize, tookMs)
  const fitting = events.filter(({ fits }) => fits)
  const taken = fitting.slice(0, size)
  const hasMore = fitting.length > size
  const isLast = !hasMore && isLastPage(events)
  const nothing = { sliceSize: replay.sliceSize, slicedAt: replay.slicedAt, nextTurnAt: at }
  const slice = { sliceSize: size, slicedAt: at, nextTurnAt: new Date(at.getTime() + replayRestMs) }
  return turnEnd(replay, at, {
    ...(taken.length === 0 ? nothing : slice),
    status: isLast ? 'COMPLETED' : 'RUNNING',
    seenTo: seenUpTo(replay, hasMore ? taken : events),
    deliveries: taken.map((event) => deliveryOf(event, at)),
  })
}

/** Of what was there when the last slice was made, how much may be left for the next one. */
export function mayBeLeft({ sliceSize }: ReplayTurn): number {
  return stragglersMax(sliceSize)
}

function afterLastSlice({ slicedAt }: ReplayTurn, now: Date): Date {
  return new Date(Math.max(now.getTime(), (slicedAt?.getTime() ?? 0) + 1))
}

function deliveryOf({ eventId, eventType, deliverAt }: SeenEvent, at: Date): ReplayedDelivery {
  const dueAt = deliverAt !== null && deliverAt > at ? deliverAt : at
  return { deliveryId: newDeliveryUuid(at.getTime()), eventId, eventType, dueAt }
}

function isLastPage(events: readonly SeenEvent[]): boolean {
  return events.length < replayScanMax
}

function seenUpTo({ seenTo }: ReplayTurn, events: readonly SeenEvent[]): string {
  return events.at(-1)?.eventId ?? seenTo
}
