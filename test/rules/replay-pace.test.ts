import { expect, test } from 'vitest'
import {
  replayRestMs,
  replayRestMsMax,
  replaySliceMax,
  replaySliceMin,
} from '../../src/limits/replays.ts'
import { nextSliceSize, restMs, stragglersMax } from '../../src/rules/replay-pace.ts'

test.each([
  [32, 0, 64],
  [32, 1_000, 64],
  [32, 1_001, 32],
  [32, 4_000, 32],
  [32, 4_001, 16],
  [replaySliceMax - 1, 0, replaySliceMax],
  [replaySliceMin + 1, 60_000, replaySliceMin],
])('a slice of %i that took %i ms is followed by one of %i', (size, tookMs, next) => {
  expect(nextSliceSize(size, tookMs)).toBe(next)
})

test('a quarter of a slice may be left behind', () => {
  expect([replaySliceMin, 32, 1_000].map(stragglersMax)).toEqual([2, 8, 250])
})

test.each([
  [0, replayRestMs],
  [16 * (replayRestMs + 1), replayRestMs + 1],
  [7 * 86_400_000, replayRestMsMax],
])('after waiting %i ms for its endpoint a replay rests %i ms', (waitedMs, rest) => {
  expect(restMs(waitedMs)).toBe(rest)
})
