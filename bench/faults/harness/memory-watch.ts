import { atMost, noted, type Finding } from './findings.ts'
import type { Instance } from './instance.ts'
import { largest } from './latency.ts'

/** Looks at a process's memory now and then. */
export class MemoryWatch {
  readonly #instance: Instance
  readonly #live: number[] = []
  readonly #resident: number[] = []

  constructor(instance: Instance) {
    this.#instance = instance
  }

  async look(): Promise<void> {
    const { live, resident } = await this.#instance.memory()
    this.#live.push(live)
    this.#resident.push(resident)
  }

  /** From the first look to the one that found most. */
  findings(growthMax: number): Finding[] {
    return [
      atMost('live memory growth MB', growthOf(this.#live), growthMax),
      noted('live memory before', this.#live[0] ?? NaN),
      noted('resident memory growth MB', growthOf(this.#resident)),
    ]
  }
}

function growthOf(values: readonly number[]): number {
  return largest(values) - (values[0] ?? NaN)
}
