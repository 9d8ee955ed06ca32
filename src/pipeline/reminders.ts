import { dueHorizonMs, remindersMax, reminderStepMs } from '../limits.ts'

/**
 * When a lane looks into its table again: shortly before each of its retries is due, the nearest
 * ones first. What is dropped for want of room is due later than all that is kept, and is seen
 * when those come round.
 */
export class Reminders {
  /** Rising. */
  #times: number[] = []

  /** In ms; Infinity: none. */
  get nextAt(): number {
    return this.#times[0] ?? Infinity
  }

  /** A page looks `dueHorizonMs` ahead; half of it is left for reading it. */
  add(dueAtMs: number): void {
    const at = Math.floor((dueAtMs - dueHorizonMs / 2) / reminderStepMs) * reminderStepMs
    const place = this.#times.findLastIndex((time) => time <= at) + 1
    if (this.#times[place - 1] === at || place === remindersMax) return
    this.#times.splice(place, 0, at)
    if (this.#times.length > remindersMax) this.#times.pop()
  }

  /** Whether one has come; all that have are done with. */
  take(nowMs: number): boolean {
    if (this.nextAt > nowMs) return false
    this.#times = this.#times.filter((time) => time > nowMs)
    return true
  }
}
