import type { Clock } from '../clock.ts'
import {
  laneBufferMax,
  laneLingerMs,
  loadRetryMs,
  pageSizeMin,
  remindBusyLaneMs,
} from '../limits.ts'
import { isParked, resume, type Health } from '../rules/circuit.ts'
import { startPace, takeToken, type Pace } from '../rules/pace.ts'
import { adaptWindow, initialWindow } from '../rules/window.ts'
import { dueStart, type DueDelivery, type DueKey } from '../store/due.ts'
import type { LoadPage } from './load.ts'
import type { Permits } from './permits.ts'
import type { Record } from './record.ts'
import { settle } from './settle.ts'
import type { LaneEndpoint, Sent } from './stages.ts'

export type LaneContext = {
  readonly clock: Clock
  readonly loadPage: LoadPage
  readonly send: (endpoint: LaneEndpoint, due: DueDelivery) => Promise<Sent>
  readonly record: Record
  readonly permits: Permits
  /** False: the lease may have lapsed, and another process may own this lane by now. */
  readonly isLeaseLive: () => boolean
  /** The receiver answered 410: disable the endpoint. */
  readonly gone: (endpoint: LaneEndpoint) => void
  /** Nothing to do for a while: the lane may be given back. */
  readonly idle: (lane: Lane) => void
  /** Our bug or our infrastructure; the lane goes on. */
  readonly failed: (error: unknown) => void
}

/**
 * The due work of one endpoint, owned by this process alone while its lease lives. Reads its rows
 * page by page in the order of their key, keeps a window of requests in flight, and never waits for
 * the slowest before it starts the next. Rows are not claimed: `#known` holds those in memory, and
 * the record is fenced. The table alone says what is due; everything else that reaches a lane
 * (an offer, a poke, a timer) is a hint to look.
 */
export class Lane {
  readonly #context: LaneContext
  #endpoint: LaneEndpoint
  #health: Health
  #window: number
  #pace: Pace | null = null
  #buffer: DueDelivery[] = []
  /** In the buffer, in flight, or being recorded. */
  readonly #known = new Set<string>()
  readonly #sending = new Set<string>()
  #cursor: DueKey = dueStart
  /** The table holds nothing due that is not known. */
  #complete = false
  #loading = false
  /** Ended while a page was read: the page may still show them as they were before. */
  readonly #endedInLoad = new Set<string>()
  #loadFailedAt = -Infinity
  #remindedAt: number
  /** Counts hints, so that one that comes during a read is not lost to it. */
  #hints = 0
  #rescanAt = Infinity
  #nextAt = Infinity
  #timer: NodeJS.Timeout | undefined
  #busyAt: number
  #stopping = false
  #stopped = Promise.withResolvers<void>()
  readonly #seek = () => this.#pump()

  constructor(context: LaneContext, endpoint: LaneEndpoint) {
    this.#context = context
    this.#endpoint = endpoint
    this.#health = endpoint.health
    this.#window = initialWindow(endpoint.ordered)
    this.#busyAt = this.#now()
    this.#remindedAt = this.#busyAt
  }

  get endpoint(): LaneEndpoint {
    return this.#endpoint
  }

  /** Requests that have no answer yet. */
  get inFlight(): number {
    return this.#sending.size
  }

  /** When a lane that is parked or disabled is worth opening again, in ms; null: any time. */
  get restsUntil(): number | null {
    if (this.#endpoint.state !== 'ENABLED') return Infinity
    return this.#health.parkedUntil?.getTime() ?? null
  }

  /** The table may hold work this lane has not seen. */
  poke(): void {
    this.#hints += 1
    this.#complete = false
    this.#pump()
  }

  /**
   * The table has something that is due. To a lane at rest that is news; one at work knows most of
   * it, and looks for the rest from time to time.
   */
  remind(): void {
    const now = this.#now()
    if (this.#known.size > 0 && now - this.#remindedAt < remindBusyLaneMs) return
    this.#remindedAt = now
    this.poke()
  }

  /**
   * A delivery that was just committed, so that it need not be read again. Taken only by a lane
   * that has seen all there is: otherwise it would overtake what waits in the table.
   */
  offer(due: DueDelivery): void {
    const mayTake = this.#complete && !this.#endpoint.ordered && this.#room() > 0
    if (!mayTake || this.#stopping) return this.poke()
    this.#hold(due)
    this.#pump()
  }

  /** The endpoint as it is now. Its health is this lane's own, unless it was enabled anew. */
  update(endpoint: LaneEndpoint): void {
    this.#endpoint = endpoint
    this.#health = endpoint.health
    this.#window = endpoint.ordered ? 1 : Math.max(this.#window, initialWindow(false))
    this.#pace = null
    this.poke()
  }

  /** Starts nothing more. Resolves once every request has its answer and every answer is stored. */
  stop(): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#timer)
    this.#context.permits.forget(this.#seek)
    this.#dropBuffer()
    this.#settleStop()
    return this.#stopped.promise
  }

  #dropBuffer(): void {
    for (const { deliveryId } of this.#buffer) this.#known.delete(deliveryId)
    this.#buffer = []
    this.#cursor = dueStart
  }

  #settleStop(): void {
    if (this.#stopping && this.#known.size === 0) this.#stopped.resolve()
  }

  #now(): number {
    return this.#context.clock.now().getTime()
  }

  #room(): number {
    return laneBufferMax - this.#known.size
  }

  #hold(due: DueDelivery): void {
    this.#known.add(due.deliveryId)
    this.#buffer.push(due)
  }

  /** The one place where a lane decides what to do next. */
  #pump(): void {
    if (this.#stopping) return this.#settleStop()
    if (this.#rescanAt <= this.#now()) this.#rescan()
    this.#nextAt = this.#rescanAt
    while (this.#mayStart()) this.#start()
    if (this.#wantsMore()) void this.#load()
    this.#restUntilNext()
  }

  /** Reads on. Where the end has not been reached, reading on comes by what is due now anyway. */
  #rescan(): void {
    this.#rescanAt = Infinity
    this.#complete = false
    this.#hints += 1
  }

  #mayStart(): boolean {
    const [head] = this.#buffer
    if (!head || this.#sending.size >= this.#inFlightMax()) return false
    if (this.#endpoint.state !== 'ENABLED') return false
    const now = this.#now()
    if (!this.#context.isLeaseLive()) return this.#notBefore(now + 500)
    const dueAt = (head.heldUntil ?? head.dueAt).getTime()
    if (dueAt > now) return this.#notBefore(dueAt)
    this.#health = resume(this.#health, new Date(now))
    const parkedUntil = this.#health.parkedUntil?.getTime() ?? 0
    if (parkedUntil > now) return this.#notBefore(parkedUntil)
    if (this.#sending.size >= this.#inFlightMax()) return false
    return this.#takeTurn(now)
  }

  /** Answers false, and looks again at `at`. */
  #notBefore(at: number): false {
    this.#nextAt = Math.min(this.#nextAt, at)
    return false
  }

  /** An ordered endpoint and a probe have one request out, its result stored before the next. */
  #inFlightMax(): number {
    if (this.#health.circuit === 'HALF_OPEN') return 1
    return this.#endpoint.ordered ? 1 : this.#window
  }

  /** Takes a token of the endpoint's own rate and a permit of the process. */
  #takeTurn(now: number): boolean {
    const rate = this.#endpoint.rateLimitPerSecond
    const taken = rate === null ? null : takeToken(this.#pace ?? startPace(rate, now), rate, now)
    if (taken && !taken.ok) return this.#notBefore(now + taken.waitMs)
    if (!this.#context.permits.take(this.#seek)) return false
    this.#pace = taken ? taken.pace : null
    return true
  }

  #start(): void {
    const due = this.#buffer.shift()
    if (!due) return
    this.#sending.add(due.deliveryId)
    const run = this.#run(due).catch(this.#context.failed)
    void run.then(() => {
      this.#sending.delete(due.deliveryId)
      this.#known.delete(due.deliveryId)
      if (this.#loading) this.#endedInLoad.add(due.deliveryId)
      this.#pump()
    })
  }

  async #run(due: DueDelivery): Promise<void> {
    const endpoint = this.#endpoint
    const sent = await this.#send(endpoint, due)
    const { settled, health, gone } = settle(sent, {
      ...{ endpoint, health: this.#health },
      ...{ now: this.#context.clock.now(), random: Math.random() },
    })
    this.#health = health
    this.#window = adaptWindow(this.#window, sent.outcome, endpoint.ordered)
    const recording = this.#context.record(settled)
    if (!endpoint.ordered) this.#makeRoom(due)
    const recorded = await recording
    if (gone) this.#context.gone(endpoint)
    this.#follow(settled.nextAttemptAt, recorded)
  }

  async #send(endpoint: LaneEndpoint, due: DueDelivery): Promise<Sent> {
    try {
      return await this.#context.send(endpoint, due)
    } finally {
      this.#context.permits.give()
    }
  }

  /** Its answer is here: the next request need not wait until it is stored. */
  #makeRoom(due: DueDelivery): void {
    this.#sending.delete(due.deliveryId)
    this.#pump()
  }

  /** A retry is read from the table when it is due; an ordered one at once, it is still first. */
  #follow(nextAttemptAt: Date | null, recorded: boolean): void {
    if (recorded && nextAttemptAt === null) return
    if (nextAttemptAt) this.#rescanAt = Math.min(this.#rescanAt, nextAttemptAt.getTime())
    if (!this.#endpoint.ordered && recorded) return
    this.#dropBuffer()
    this.#rescan()
  }

  #wantsMore(): boolean {
    if (this.#complete || this.#loading || this.#endpoint.state !== 'ENABLED') return false
    const now = this.#context.clock.now()
    if (isParked(this.#health, now)) return false
    const loadAt = this.#loadFailedAt + loadRetryMs
    if (loadAt > now.getTime()) return this.#notBefore(loadAt)
    return this.#buffer.length < this.#inFlightMax() && this.#room() >= pageSizeMin
  }

  async #load(): Promise<void> {
    this.#loading = true
    const { endpointId, workspaceId } = this.#endpoint
    const hints = this.#hints
    const after = this.#cursor
    // From the start the rows that are known come again, so the page has room for them too.
    const pageSize = this.#room() + (after === dueStart ? this.#known.size : 0)
    try {
      const page = await this.#context.loadPage({ endpointId, workspaceId, after, pageSize })
      if (this.#stopping) return
      for (const due of page) if (this.#isNew(due)) this.#hold(due)
      this.#advance({
        page,
        isFull: page.length === pageSize,
        fromStart: after === dueStart,
        hints,
      })
    } catch (error) {
      this.#loadFailedAt = this.#now()
      this.#context.failed(error)
    } finally {
      this.#loading = false
      this.#endedInLoad.clear()
      this.#pump()
    }
  }

  #isNew({ deliveryId }: DueDelivery): boolean {
    return !this.#known.has(deliveryId) && !this.#endedInLoad.has(deliveryId)
  }

  /**
   * Only a short page read from the start says that there is no more: what was committed late may
   * lie before the cursor, and a hint that came during the read may be about what it missed.
   */
  #advance(read: {
    page: readonly DueDelivery[]
    isFull: boolean
    fromStart: boolean
    hints: number
  }) {
    const last = read.page.at(-1)
    this.#cursor = read.isFull && last ? last : dueStart
    this.#complete = !read.isFull && read.fromStart && read.hints === this.#hints
  }

  /** Sets the one timer: to the next thing that is due, or to the end of lingering. */
  #restUntilNext(): void {
    clearTimeout(this.#timer)
    const now = this.#now()
    const hasLongRest = this.#hasLongRest(now)
    const isIdle = this.#isIdle(hasLongRest)
    if (!isIdle) this.#busyAt = now
    const lingerEnds = this.#busyAt + laneLingerMs
    if (isIdle && (hasLongRest || now >= lingerEnds)) return this.#context.idle(this)
    const wakeAt = Math.min(this.#nextAt, isIdle ? lingerEnds : Infinity)
    if (wakeAt === Infinity) return
    this.#timer = setTimeout(() => this.#pump(), Math.max(1, wakeAt - now))
  }

  /** Nothing is under way; and nothing waits in the buffer, unless for long. */
  #isIdle(hasLongRest: boolean): boolean {
    if (this.#loading || this.#known.size > this.#buffer.length) return false
    return hasLongRest || (this.#complete && this.#buffer.length === 0)
  }

  /** Disabled, or parked for long: not worth lingering for. */
  #hasLongRest(now: number): boolean {
    if (this.#endpoint.state !== 'ENABLED') return true
    const parkedMs = (this.#health.parkedUntil?.getTime() ?? 0) - now
    return parkedMs > laneLingerMs
  }
}
