import { expect, test } from 'vitest'
import type { PermitSeeker } from '../../src/pipeline/permit-line.ts'
import { Permits } from '../../src/pipeline/permits.ts'

/** A lane with endless work: takes whatever it may, and keeps it until told to give. */
function greedy(permits: Permits, workspaceId = 'one'): { held: () => number; give: () => void } {
  let held = 0
  const seeker: PermitSeeker = {
    workspaceId,
    seek: () => {
      while (permits.take(seeker)) held += 1
    },
  }
  seeker.seek()
  return {
    held: () => held,
    give: () => {
      held -= 1
      permits.give(seeker)
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
  const first = { workspaceId: 'one', seek: () => {} }
  permits.take(first)
  let calls = 0
  const second = {
    workspaceId: 'one',
    seek: () => {
      calls += 1
    },
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
  expect(held()).toBe(10)
  await nextTurn()
  expect(held()).toBe(20)
  for (let turn = 0; turn < 200; turn++) await nextTurn()
  expect(held()).toBeGreaterThan(500)
  for (const lane of lanes) expect(lane.held()).toBeGreaterThan(150)
})

test('who holds few goes before those in the middle of a burst', async () => {
  const permits = new Permits(1024, 10)
  const loud = Array.from({ length: 50 }, () => greedy(permits))
  for (let n = 0; n < 200; n++) await nextTurn()
  for (const lane of loud.slice(0, 5)) lane.give()
  const quiet = greedy(permits)
  await nextTurn()
  expect(quiet.held()).toBeGreaterThan(0)
})

test('a workspace waits for none of the thousand of another', async () => {
  const permits = new Permits(2048, 10)
  const loud = Array.from({ length: 1000 }, () => greedy(permits, 'loud'))
  const held = () => loud.reduce((sum, lane) => sum + lane.held(), 0)
  const quiet = [greedy(permits, 'quiet'), greedy(permits, 'quiet')]
  const heldByQuiet = () => quiet.reduce((sum, lane) => sum + lane.held(), 0)
  expect([held(), heldByQuiet()]).toEqual([10, 1])
  for (let turn = 0; turn < 10; turn++) await nextTurn()
  expect(heldByQuiet()).toBeGreaterThan(40)
  expect(heldByQuiet()).toBeGreaterThan(held() * 0.6)
})

test('a workspace has the whole turn while the others may take nothing', async () => {
  const permits = new Permits(1024, 16)
  const slow = Array.from({ length: 30 }, (_, index) => greedy(permits, `slow ${index}`))
  for (let turn = 0; turn < 200; turn++) await nextTurn()
  let taken = 0
  const quick: PermitSeeker = {
    workspaceId: 'quick',
    seek: () => {
      for (; permits.take(quick); taken += 1) permits.give(quick)
    },
  }
  quick.seek()
  const before = taken
  for (let turn = 0; turn < 10; turn++) await nextTurn()
  expect(slow.every((lane) => lane.held() > 1)).toBe(true)
  expect(taken - before).toBe(160)
})

function nextTurn(): Promise<void> {
  return new Promise((next) => setImmediate(next))
}
