import type { Clock } from '../clock.ts'
import { parkedLanesMax } from '../limits.ts'

/**
 * Endpoints whose lane rests until a time known here: a publish then wakes nobody. Only that is
 * saved; what is forgotten, or rests no more, is found by the sweep.
 */
export class ParkedLanes {
  readonly #clock: Clock
  readonly #until = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Until a time in ms; a time that has passed forgets it. The longest known makes room. */
  add(endpointId: string, untilMs: number): void {
    this.#until.delete(endpointId)
    if (untilMs <= this.#now()) return
    const [oldest] = this.#until.keys()
    if (this.#until.size >= parkedLanesMax && oldest !== undefined) this.#until.delete(oldest)
    this.#until.set(endpointId, untilMs)
  }

  has(endpointId: string): boolean {
    const until = this.#until.get(endpointId)
    if (until === undefined) return false
    if (until > this.#now()) return true
    this.#until.delete(endpointId)
    return false
  }

  delete(endpointId: string): void {
    this.#until.delete(endpointId)
  }

  #now(): number {
    return this.#clock.now().getTime()
  }
}
