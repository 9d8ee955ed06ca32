import {
  replayRestMs,
  replayRestMsMax,
  replaySliceMax,
  replaySliceMin,
  replaySliceQuickMs,
  replaySliceSlowMs,
} from '../limits/replays.ts'

/**
 * How many deliveries a replay makes at once, by how long the endpoint took to attempt the last
 * slice. So a quick endpoint is replayed quickly, and at a slow one a live event waits behind a few
 * seconds of replayed ones, never behind all of them.
 */
export function nextSliceSize(size: number, tookMs: number): number {
  if (tookMs <= replaySliceQuickMs) return Math.min(size * 2, replaySliceMax)
  if (tookMs <= replaySliceSlowMs) return size
  return Math.max(Math.floor(size / 2), replaySliceMin)
}

/** A slice counts as attempted with this many left, so that a straggler holds nothing up. */
export function stragglersMax(size: number): number {
  return Math.floor(size / 4)
}

/**
 * How long a replay that has waited for its endpoint so long is left alone: a sixteenth of
 * that. A look costs statements, and a disabled endpoint may be waited for for weeks.
 */
export function restMs(waitedMs: number): number {
  return Math.min(Math.max(Math.floor(waitedMs / 16), replayRestMs), replayRestMsMax)
}
