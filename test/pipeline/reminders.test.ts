import { expect, test } from 'vitest'
import { dueHorizonMs, remindersMax, reminderStepMs } from '../../src/limits.ts'
import { Reminders } from '../../src/pipeline/reminders.ts'

test('a reminder comes before its time and within the horizon', () => {
  const reminders = new Reminders()
  reminders.add(10_123)
  expect(reminders.nextAt).toBeLessThan(10_123)
  expect(reminders.nextAt + dueHorizonMs).toBeGreaterThanOrEqual(10_123)
})

test('each is taken once, and later ones stay', () => {
  const reminders = new Reminders()
  for (const at of [60_000, 5_000, 300_000]) reminders.add(at)
  expect(reminders.take(4_000)).toBe(false)
  expect(reminders.take(60_000)).toBe(true)
  expect(reminders.take(60_000)).toBe(false)
  expect(reminders.take(300_000)).toBe(true)
  expect(reminders.nextAt).toBe(Infinity)
})

test('retries of one moment are one reminder', () => {
  const reminders = new Reminders()
  for (let n = 0; n < 1000; n++) reminders.add(50_000 + (n % reminderStepMs))
  expect(reminders.take(50_000)).toBe(true)
  expect(reminders.nextAt).toBe(Infinity)
})

test('the nearest are kept, whatever the order', () => {
  const reminders = new Reminders()
  const times = Array.from({ length: remindersMax * 2 }, (_, n) => 10_000 + n * 1_000)
  for (const at of [...times.slice(remindersMax), ...times.slice(0, remindersMax)]) {
    reminders.add(at)
  }
  let taken = 0
  for (const at of times) taken += reminders.take(at) ? 1 : 0
  expect(taken).toBe(remindersMax)
  expect(reminders.nextAt).toBe(Infinity)
})
