/** Who takes permits: called when one is free for it again. */
export type PermitSeeker = () => void

/**
 * Requests in flight in one process. Whoever holds none takes any that is free; for more, a seeker
 * may hold fewer than are free beyond a quarter of all, which is left for who comes next. So slow
 * receivers, however many, cannot hold everything until they time out (promise P4). Plain turns,
 * one permit each, would: with 100 endpoints that take 10 s each and 1,024 permits an endpoint
 * that answers at once is served once a second.
 *
 * Those that hold few, less than half of an even share, go before the others: an endpoint with an
 * event now and then does not queue behind a hundred in the middle of a burst.
 */
export class Permits {
  readonly #max: number
  #free: number
  readonly #reserve: number
  readonly #perTurnMax: number
  #leftThisTurn: number
  readonly #held = new Map<PermitSeeker, number>()
  /** In the order in which they found none: those that hold few, and the others. */
  readonly #fewSeekers = new Set<PermitSeeker>()
  readonly #moreSeekers = new Set<PermitSeeker>()

  /**
   * `perTurnMax`: so many are taken, and requests begun, between two looks at what arrived: the
   * answers to a hundred others, and a publish of somebody else, wait no longer. Those that hold
   * few may take as many again.
   */
  constructor(max: number, perTurnMax = Infinity) {
    this.#max = max
    this.#free = max
    this.#reserve = Math.floor(max / 4)
    this.#perTurnMax = perTurnMax
    this.#leftThisTurn = perTurnMax
  }

  /** Requests that are out, or whose results are not stored yet. */
  get taken(): number {
    return this.#max - this.#free
  }

  /** True: taken. False: `seeker` is called when it may take one. */
  take(seeker: PermitSeeker): boolean {
    if (!this.#mayTake(seeker)) {
      this.#lineUp(seeker)
      return false
    }
    this.#held.set(seeker, this.#heldBy(seeker) + 1)
    this.#free -= 1
    this.#countForTurn()
    return true
  }

  /** One that the seeker took. */
  give(seeker: PermitSeeker): void {
    const held = this.#heldBy(seeker) - 1
    if (held > 0) this.#held.set(seeker, held)
    else this.#held.delete(seeker)
    if (this.#moreSeekers.has(seeker)) this.#lineUp(seeker)
    this.#free += 1
    this.#serve()
  }

  /** A seeker that closes wants none any more. */
  forget(seeker: PermitSeeker): void {
    this.#fewSeekers.delete(seeker)
    this.#moreSeekers.delete(seeker)
  }

  /** In one line, and where it stands already it keeps its place. */
  #lineUp(seeker: PermitSeeker): void {
    const [line, other] = this.#holdsFew(seeker)
      ? [this.#fewSeekers, this.#moreSeekers]
      : [this.#moreSeekers, this.#fewSeekers]
    other.delete(seeker)
    line.add(seeker)
  }

  #heldBy(seeker: PermitSeeker): number {
    return this.#held.get(seeker) ?? 0
  }

  #holdsFew(seeker: PermitSeeker): boolean {
    const held = this.#heldBy(seeker)
    return held === 0 || held < this.#max / this.#held.size / 2
  }

  #countForTurn(): void {
    if (this.#leftThisTurn === this.#perTurnMax && this.#perTurnMax !== Infinity)
      setImmediate(this.#nextTurn)
    this.#leftThisTurn -= 1
  }

  readonly #nextTurn = (): void => {
    this.#leftThisTurn = this.#perTurnMax
    for (let left = Infinity; left > this.#leftThisTurn;) {
      left = this.#leftThisTurn
      this.#serve()
    }
  }

  #mayTake(seeker: PermitSeeker): boolean {
    const mayOverdraw = this.#holdsFew(seeker) ? this.#perTurnMax : 0
    if (this.#leftThisTurn + mayOverdraw <= 0) return false
    const held = this.#heldBy(seeker)
    return held === 0 ? this.#free > 0 : held < this.#free - this.#reserve
  }

  /** Those that hold few first; of the others nobody may take one while that is all there is. */
  #serve(): void {
    if (this.#leftThisTurn + this.#perTurnMax <= 0) return
    if (this.#serveOne(this.#fewSeekers) || this.#leftThisTurn <= 0) return
    if (this.#free > this.#reserve + 1) this.#serveOne(this.#moreSeekers)
  }

  /** Ends with the one that takes what was given. Who gave it asks for the next by itself. */
  #serveOne(seekers: Set<PermitSeeker>): boolean {
    const free = this.#free
    for (const seeker of seekers) {
      if (this.#mayTake(seeker) && seekers.delete(seeker)) seeker()
      if (this.#free < free) return true
    }
    return false
  }
}
