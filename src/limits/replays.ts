import { dayMs } from '../limits.ts'

// Replays.

/** Events that one turn looks at: one statement, far from its time limit. */
export const replayScanMax = 2_000
/** Deliveries of a slice: few at first, then as many as the endpoint attempts in a moment. */
export const replaySliceStart = 32
export const replaySliceMin = 8
export const replaySliceMax = 1_000
/** An endpoint that attempted a slice this soon gets a larger one; later than that a smaller. */
export const replaySliceQuickMs = 1_000
export const replaySliceSlowMs = 4_000
/** A turn whose process died is taken over after this. */
export const replayTurnMsMax = 10_000
/** Between two looks at a replay that gives its endpoint time: soon at first, then rarely. */
export const replayRestMs = 250
export const replayRestMsMax = 10_000
/** Between two looks for replays that want a turn. */
export const replayTurnsEveryMs = 250
/** A replay without `statuses` begins this long after the one before. */
export const fullReplayEveryMs = dayMs
/** How often a replay that somebody watches is read. */
export const replayWatchEveryMs = 500
