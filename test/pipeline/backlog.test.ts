import fc from 'fast-check'
import { expect, test } from 'vitest'
import { laneBufferBytesMax, laneBufferMax, pageBytesMin } from '../../src/limits.ts'
import { Backlog } from '../../src/pipeline/backlog.ts'
import { newDeliveryUuid } from '../../src/rules/id.ts'
import { dueStart, type DueDelivery } from '../../src/store/due.ts'

const lane = { endpointId: 'endpoint', workspaceId: 'workspace' }
let nowMs = Date.parse('2026-03-19T10:00:00Z')

/** A delivery made a millisecond after the one before. */
function newDue(payloadText = '{}'): DueDelivery {
  nowMs += 1
  const deliveryId = newDeliveryUuid(nowMs)
  return {
    ...{ ...lane, deliveryId, dueAt: new Date(nowMs), heldUntil: null },
    ...{ attemptCount: 0, failures: 0, attemptTrigger: 'SCHEDULED' },
    eventId: '',
    event: { eventId: '', eventType: '', payloadText, traceparent: null },
  }
}

/** A backlog that has read its table, which was empty. */
function readBacklog(): Backlog {
  const backlog = new Backlog(lane)
  read(backlog, [])
  return backlog
}

function read(backlog: Backlog, rows: readonly DueDelivery[], isFull = false): void {
  const { reading } = backlog.startReading()
  backlog.endReading({ rows, isFull }, reading)
}

function takeAll(backlog: Backlog): DueDelivery[] {
  const taken: DueDelivery[] = []
  for (let due = backlog.take(); due; due = backlog.take()) taken.push(due)
  return taken
}

test('a delivery that was just made needs no reading', () => {
  const backlog = readBacklog()
  const due = newDue()
  backlog.offer(due)
  expect(backlog.head).toBe(due)
  expect(backlog.wantsMore(8)).toBe(false)
})

test('a delivery that a page has shown is not taken twice', () => {
  const backlog = new Backlog(lane)
  const due = newDue()
  read(backlog, [due])
  backlog.offer(due)
  expect(takeAll(backlog)).toEqual([due])
})

test('a delivery a page has shown is not taken again when it ended', () => {
  const backlog = new Backlog(lane)
  const due = newDue()
  read(backlog, [due])
  for (const taken of takeAll(backlog)) backlog.ended(taken, nowMs)
  backlog.offer(due)
  expect(backlog.size).toBe(0)
})

test('an offer is taken although a page was read since it was made', () => {
  const backlog = new Backlog(lane)
  const due = newDue()
  newDue()
  read(backlog, [])
  backlog.offer(due)
  expect(takeAll(backlog)).toEqual([due])
})

test('an offer overtakes nothing that waits in the table', () => {
  const backlog = new Backlog(lane)
  read(backlog, [newDue()], true)
  backlog.offer(newDue())
  expect(backlog.size).toBe(1)
  read(backlog, [])
  for (let n = 0; n < laneBufferMax; n++) backlog.offer(newDue())
  for (const due of takeAll(backlog)) backlog.ended(due, nowMs)
  backlog.offer(newDue())
  expect(backlog.size).toBe(0)
})

test('an offer overtakes nothing that a hint is about', () => {
  const backlog = readBacklog()
  backlog.offer(newDue())
  backlog.hint()
  backlog.offer(newDue())
  expect(backlog.size).toBe(1)
})

test('an offer needs no reading although the lane looks through its table again', () => {
  const backlog = readBacklog()
  const [one, two] = [newDue(), newDue()]
  backlog.hint()
  const { reading } = backlog.startReading()
  backlog.offer(one)
  backlog.offer(two)
  expect(backlog.take()).toBe(one)
  backlog.ended(one, nowMs)
  backlog.endReading({ rows: [one, two], isFull: false }, reading)
  expect(takeAll(backlog)).toEqual([two])
  expect(backlog.isComplete).toBe(true)
})

test('a page shows nothing again that is at work', () => {
  const backlog = new Backlog(lane)
  const [one, two] = [newDue(), newDue()]
  read(backlog, [one])
  backlog.take()
  backlog.hint()
  read(backlog, [one, two])
  expect(takeAll(backlog)).toEqual([two])
})

test('a page does not bring back what ended while it was read', () => {
  const backlog = new Backlog(lane)
  const due = newDue()
  read(backlog, [due])
  backlog.take()
  backlog.hint()
  const { reading } = backlog.startReading()
  backlog.ended(due, nowMs)
  backlog.endReading({ rows: [due], isFull: false }, reading)
  expect(backlog.size).toBe(0)
})

test('a hint that comes during a read is not lost to it', () => {
  const backlog = new Backlog(lane)
  const { reading } = backlog.startReading()
  backlog.hint()
  backlog.endReading({ rows: [], isFull: false }, reading)
  expect(backlog.isComplete).toBe(false)
})

test('a page that was on its way when all was dropped is not believed', () => {
  const backlog = new Backlog(lane)
  const { reading } = backlog.startReading()
  backlog.drop()
  backlog.endReading({ rows: [newDue()], isFull: false }, reading)
  expect(backlog.size).toBe(0)
  expect(backlog.wantsMore(8)).toBe(true)
})

test('dropping forgets what waits and keeps what is at work', () => {
  const backlog = new Backlog(lane)
  const [one, two] = [newDue(), newDue()]
  read(backlog, [one, two])
  backlog.take()
  backlog.drop()
  expect([backlog.size, backlog.atWork]).toEqual([0, 1])
})

test('a full page is read on from its end, a short one from the start', () => {
  const backlog = new Backlog(lane)
  const last = newDue()
  read(backlog, [last], true)
  expect(backlog.isComplete).toBe(false)
  const { wish, reading } = backlog.startReading()
  expect(wish.after).toBe(last)
  backlog.endReading({ rows: [], isFull: false }, reading)
  expect(backlog.isComplete).toBe(false)
  expect(backlog.startReading().wish.after).toBe(dueStart)
})

test('what waits is in the order of its time, whatever came first', () => {
  const made = Array.from({ length: 8 }, () => newDue())
  const shuffled = fc.shuffledSubarray(made, { minLength: made.length })
  fc.assert(
    fc.property(shuffled, (rows) => {
      const backlog = new Backlog(lane)
      for (const row of rows) read(backlog, [row])
      expect(takeAll(backlog)).toEqual(made)
    }),
  )
})

test('a lane holds no more deliveries than its bound', () => {
  const backlog = readBacklog()
  for (let n = 0; n < laneBufferMax + 10; n++) backlog.offer(newDue())
  expect(backlog.size).toBe(laneBufferMax)
  expect(backlog.isComplete).toBe(false)
})

test('a lane holds no more payload than its bound, and one', () => {
  const backlog = readBacklog()
  const payload = 'x'.repeat(200_000)
  for (let n = 0; n < 50; n++) backlog.offer(newDue(payload))
  expect(backlog.size * payload.length).toBeLessThan(laneBufferBytesMax + payload.length)
  const { wish } = backlog.startReading()
  expect(wish.payloadBytesMax).toBeLessThanOrEqual(laneBufferBytesMax)
})

test('a page is wanted again when there is room for it', () => {
  const backlog = readBacklog()
  for (let n = 0; n < laneBufferMax + 1; n++) backlog.offer(newDue())
  const taken = takeAll(backlog)
  expect(backlog.wantsMore(8)).toBe(false)
  for (const due of taken.slice(0, 100)) backlog.ended(due, nowMs)
  expect(backlog.wantsMore(8)).toBe(true)
})

test('long payloads are read as many as there is room for', () => {
  const backlog = new Backlog(lane)
  const length = pageBytesMin / 16
  const held = laneBufferBytesMax / length
  read(
    backlog,
    Array.from({ length: held }, () => newDue('x'.repeat(length))),
    true,
  )
  const taken = takeAll(backlog)
  const left = pageBytesMin / length
  for (const due of taken.slice(0, left - 1)) backlog.ended(due, nowMs)
  expect(backlog.wantsMore(128)).toBe(false)
  for (const due of taken.slice(left - 1, left)) backlog.ended(due, nowMs)
  expect(backlog.wantsMore(128)).toBe(true)
  expect(backlog.startReading().wish.rowsMax).toBe(left)
})

test('offers that came during a read leave its page the room that is left', () => {
  const backlog = readBacklog()
  backlog.hint()
  const { wish, reading } = backlog.startReading()
  for (let n = 0; n < laneBufferMax / 2; n++) backlog.offer(newDue())
  const rows = Array.from({ length: wish.rowsMax }, () => newDue())
  backlog.endReading({ rows, isFull: true }, reading)
  expect(backlog.size).toBe(laneBufferMax)
  expect(backlog.startReading().wish.after).toBe(rows[laneBufferMax / 2 - 1])
})

test('a few long payloads that stay out do not make pages short', () => {
  const backlog = new Backlog(lane)
  const long = Array.from({ length: 3 }, () => newDue('x'.repeat(pageBytesMin)))
  read(backlog, long, true)
  takeAll(backlog)
  read(
    backlog,
    Array.from({ length: 4 }, () => newDue()),
    true,
  )
  for (const due of takeAll(backlog)) backlog.ended(due, nowMs)
  expect(backlog.startReading().wish.rowsMax).toBeGreaterThan(laneBufferMax / 2)
})
