import { expect, test } from 'vitest'
import { Permits, type PermitSeeker } from '../../src/pipeline/permits.ts'

/** A lane with endless work: takes whatever it may, and keeps it until told to give. */
function greedy(permits: Permits): { held: () => number; give: () => void } {
  let held = 0
  const seek: PermitSeeker = () => {
    while (permits.take(seek)) held += 1
  }
  seek()
  return {
    held: () => held,
    give: () => {
      held -= 1
      permits.give(seek)
    },
  }
}

test('one lane alone leaves more than half to others', () => {
  expect(greedy(new Permits(1024)).held()).toBe(384)
})

test('however many lanes are slow, one more finds a permit', () => {
  const permits = new Permits(1024)
  const slow = Array.from({ length: 200 }, () => greedy(permits))
  for (const lane of slow) expect(lane.held()).toBeGreaterThan(0)
  expect(greedy(permits).held()).toBeGreaterThan(0)
})

test('lanes that came first shrink to their share as others come', () => {
  const permits = new Permits(128)
  const lanes = Array.from({ length: 8 }, () => greedy(permits))
  for (let n = 0; n < 100; n++) {
    for (const lane of lanes) if (lane.held() > 0) lane.give()
  }
  const held = lanes.map((lane) => lane.held())
  expect(Math.max(...held) - Math.min(...held)).toBeLessThanOrEqual(3)
})

test('no permit is lost or made', () => {
  const permits = new Permits(50)
  const lanes = Array.from({ length: 7 }, () => greedy(permits))
  for (let n = 0; n < 1000; n++) {
    const lane = lanes[(n * n) % lanes.length]
    if (lane && lane.held() > 0) lane.give()
    const held = lanes.reduce((sum, one) => sum + one.held(), 0)
    expect(held).toBeLessThanOrEqual(50)
    expect(held).toBeGreaterThan(30)
  }
})

test('a lane that closes is not called any more', () => {
  const permits = new Permits(2)
  const first = () => {}
  permits.take(first)
  let calls = 0
  const second = () => {
    calls += 1
  }
  permits.take(second)
  permits.take(second)
  permits.forget(second)
  permits.give(first)
  expect(calls).toBe(0)
})

test('so many begin in one turn, and the rest in the next ones', async () => {
  const permits = new Permits(1024, 10)
  const lanes = [greedy(permits), greedy(permits), greedy(permits)]
  const held = () => lanes.reduce((sum, lane) => sum + lane.held(), 0)
  expect(held()).toBe(20)
  await new Promise((next) => setImmediate(next))
  expect(held()).toBe(40)
  for (let turn = 0; turn < 200; turn++) await new Promise((next) => setImmediate(next))
  expect(held()).toBeGreaterThan(500)
  for (const lane of lanes) expect(lane.held()).toBeGreaterThan(150)
})

test('who holds few goes before those in the middle of a burst', async () => {
  const turn = () => new Promise((next) => setImmediate(next))
  const permits = new Permits(1024, 10)
  const loud = Array.from({ length: 50 }, () => greedy(permits))
  for (let n = 0; n < 100; n++) await turn()
  const quiet = greedy(permits)
  await turn()
  const before = quiet.held()
  for (const lane of loud) lane.give()
  await turn()
  expect(before).toBeGreaterThan(0)
  expect(quiet.held()).toBeGreaterThan(before)
})
