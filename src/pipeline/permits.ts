/** Who waits for a permit: called when it is its turn to try once more. */
export type PermitSeeker = () => void

/**
 * Requests in flight in one process. While permits last anyone takes one; once they are out, each
 * that comes back goes to the seeker that waited longest, who gets exactly one and queues again.
 * So no lane holds more than a fair share for longer than its requests take (promise P4).
 */
export class Permits {
  #free: number
  readonly #seekers = new Set<PermitSeeker>()
  #serving: PermitSeeker | null = null

  constructor(max: number) {
    this.#free = max
  }

  /** True: taken. False: `seeker` is called at its turn. */
  take(seeker: PermitSeeker): boolean {
    const itsTurn = this.#seekers.size === 0 || this.#serving === seeker
    if (this.#free === 0 || !itsTurn) {
      this.#seekers.add(seeker)
      return false
    }
    this.#serving = null
    this.#free -= 1
    return true
  }

  give(): void {
    this.#free += 1
    this.#serve()
  }

  /** A seeker that closes wants none any more. */
  forget(seeker: PermitSeeker): void {
    this.#seekers.delete(seeker)
  }

  #serve(): void {
    for (const seeker of this.#seekers) {
      if (this.#free === 0) return
      this.#seekers.delete(seeker)
      this.#serving = seeker
      seeker()
      this.#serving = null
    }
  }
}
