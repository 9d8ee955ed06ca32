import { PermitLine, type PermitSeeker } from './permit-line.ts'

/**
 * Requests in flight in one process. Whoever holds none takes any that is free; for more, a seeker
 * may hold fewer than are free beyond a quarter of all, which is left for who comes next. So slow
 * receivers, however many, cannot hold everything until they time out (promise P4). Plain turns,
 * one permit each, would: with 100 endpoints that take 10 s each and 1,024 permits an endpoint
 * that answers at once is served once a second.
 *
 * Of those that wait, workspaces go in turn, and within one those first that hold few, less than
 * half of an even share: an endpoint with an event now and then does not queue behind the hundred
 * of somebody's burst.
 */
export class Permits {
  readonly #max: number
  #free: number
  readonly #reserve: number
  readonly #perTurnMax: number
  #leftThisTurn: number
  /** Of one workspace in this turn, as several wait. */
  #shareOfTurn: number
  readonly #takenThisTurn = new Map<string, number>()
  readonly #held = new Map<PermitSeeker, number>()
  readonly #line = new PermitLine()

  /**
   * `perTurnMax`: so many are taken, and requests begun, between two looks at what arrived: the
   * answers to a hundred others, and a publish of somebody else, wait no longer. Workspaces that
   * wait share them, and as many again are for those that took none in this turn, one for each.
   */
  constructor(max: number, perTurnMax = Infinity) {
    this.#max = max
    this.#free = max
    this.#reserve = Math.floor(max / 4)
    this.#perTurnMax = perTurnMax
    this.#leftThisTurn = perTurnMax
    this.#shareOfTurn = perTurnMax
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
    this.#countForTurn(seeker)
    return true
  }

  /** One that the seeker took. */
  give(seeker: PermitSeeker): void {
    const held = this.#heldBy(seeker) - 1
    if (held > 0) this.#held.set(seeker, held)
    else this.#held.delete(seeker)
    if (this.#line.holdsMore(seeker)) this.#lineUp(seeker)
    this.#free += 1
    this.#serve()
  }

  /** A seeker that closes wants none any more. */
  forget(seeker: PermitSeeker): void {
    this.#line.delete(seeker)
  }

  #lineUp(seeker: PermitSeeker): void {
    const held = this.#heldBy(seeker)
    const holdsFew = held === 0 || held < this.#max / this.#held.size / 2
    this.#line.add(seeker, holdsFew ? 'few' : 'more')
  }

  #heldBy(seeker: PermitSeeker): number {
    return this.#held.get(seeker) ?? 0
  }

  #countForTurn({ workspaceId }: PermitSeeker): void {
    if (this.#perTurnMax === Infinity) return
    if (this.#leftThisTurn === this.#perTurnMax) setImmediate(this.#nextTurn)
    this.#leftThisTurn -= 1
    this.#takenThisTurn.set(workspaceId, (this.#takenThisTurn.get(workspaceId) ?? 0) + 1)
  }

  /** What those that wait cannot take of their shares is for the others. */
  readonly #nextTurn = (): void => {
    this.#leftThisTurn = this.#perTurnMax
    this.#takenThisTurn.clear()
    this.#shareOfTurn = this.#perTurnMax / Math.max(1, this.#line.workspaceCount)
    this.#serveAll()
    this.#shareOfTurn = this.#perTurnMax
    this.#serveAll()
  }

  #serveAll(): void {
    for (let left = Infinity; left > this.#leftThisTurn;) {
      left = this.#leftThisTurn
      this.#serve()
    }
  }

  #mayTake(seeker: PermitSeeker): boolean {
    if (!this.#hasTurn(seeker.workspaceId)) return false
    const held = this.#heldBy(seeker)
    return held === 0 ? this.#free > 0 : held < this.#free - this.#reserve
  }

  #hasTurn(workspaceId: string): boolean {
    const taken = this.#takenThisTurn.get(workspaceId) ?? 0
    if (taken === 0) return this.#leftThisTurn + this.#perTurnMax > 0
    return this.#leftThisTurn > 0 && taken < this.#shareOfTurn
  }

  /** One permit, to the first that takes it. Who gave it asks for the next by itself. */
  #serve(): void {
    if (this.#free === 0 || this.#leftThisTurn + this.#perTurnMax <= 0) return
    const hasMore = this.#free > this.#reserve + 1
    if (!hasMore && this.#line.fewCount === 0) return
    for (const [workspaceId, { few, more }] of this.#line.workspaces()) {
      if (!this.#hasTurn(workspaceId)) continue
      const isServed = this.#serveOne(few) || (hasMore && this.#serveOne(more))
      if (isServed) return this.#line.endTurn(workspaceId)
    }
  }

  #serveOne(seekers: ReadonlySet<PermitSeeker>): boolean {
    const free = this.#free
    for (const seeker of seekers) {
      if (this.#mayTake(seeker) && this.#line.delete(seeker)) seeker.seek()
      if (this.#free < free) return true
    }
    return false
  }
}
