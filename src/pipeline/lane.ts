import { laneLingerMs, leaseLookAgainMs, loadRetryMs, remindBusyLaneMs } from '../limits.ts'
import { resume, type Health } from '../rules/circuit.ts'
import { startPace, takeToken, type Pace } from '../rules/pace.ts'
import { adaptWindow, initialWindow } from '../rules/window.ts'
import type { DueDelivery } from '../store/due.ts'
import { Backlog } from './backlog.ts'
import type { LaneContext } from './lane-context.ts'
import type { PermitSeeker } from './permit-line.ts'
import type { Recorded } from './record.ts'
import { Reminders } from './reminders.ts'
import { settle } from './settle.ts'
import type { LaneEndpoint } from './stages.ts'

/**
 * The due work of one endpoint, owned by this process alone while its lease lives. Reads its rows
 * page by page in the order of their key, keeps a window of requests in flight, and never waits for
 * the slowest before it starts the next. Rows are not claimed: the backlog knows those in memory,
 * and the record is fenced. The table alone says what is due; everything else that reaches a lane
 * (an offer, a poke, a timer) is a hint to look.
 */
export class Lane {
  readonly #context: LaneContext
  readonly #backlog: Backlog
  readonly #reminders = new Reminders()
  #endpoint: LaneEndpoint
  #health: Health
  #window: number
  #pace: Pace | null = null
  /** Requests without an answer; of an ordered endpoint and of a probe, without a record. */
  readonly #sending = new Set<string>()
  /** The endpoint was changed, and is not here yet as it is now. */
  #isOutdated = false
  #loadFailedAt = -Infinity
  #remindedAt: number
  /** When there is something to do next, as far as is known. */
  #nextAt = Infinity
  #timer: NodeJS.Timeout | undefined
  #busyAt: number
  #stopping = false
  #stopped = Promise.withResolvers<void>()
  readonly #seeker: PermitSeeker

  constructor(context: LaneContext, endpoint: LaneEndpoint) {
    this.#context = context
    this.#backlog = new Backlog(endpoint)
    this.#endpoint = endpoint
    this.#health = endpoint.health
    this.#window = initialWindow(endpoint.ordered)
    this.#seeker = { workspaceId: endpoint.workspaceId, seek: () => this.#pump() }
    this.#busyAt = this.#now()
    this.#remindedAt = this.#busyAt
  }

  /** The endpoint as this lane knows it. */
  get endpoint(): LaneEndpoint {
    return this.#endpoint
  }

  /** When a lane at rest is worth opening again, in ms; Infinity: when it was changed. */
  get restsUntil(): number {
    if (this.#endpoint.state !== 'ENABLED') return Infinity
    return Math.max(this.#health.parkedUntil?.getTime() ?? 0, this.#headAt())
  }

  /** The table may hold work this lane has not seen. */
  poke(): void {
    this.#backlog.hint()
    this.#pump()
  }

  /**
   * Whether it is worth asking if the table has something that is due. To a lane at rest that is
   * news; one at work knows most of it, and looks for the rest from time to time. One that is still
   * reading its way through comes to all of it: finding its first row costs the database a look at
   * each that was there before, a tenth of its work while a million are caught up with.
   */
  get wantsReminder(): boolean {
    const isBusy = this.#backlog.atWork + this.#backlog.size > 0
    if (!isBusy) return true
    return this.#backlog.isComplete && this.#now() - this.#remindedAt >= remindBusyLaneMs
  }

  /** The table has something that is due. */
  remind(): void {
    this.#remindedAt = this.#now()
    this.poke()
  }

  /** A delivery that was just committed. An ordered lane reads it: another may come before it. */
  offer(due: DueDelivery): void {
    if (this.#endpoint.ordered || this.#stopping) return this.poke()
    this.#backlog.offer(due)
    this.#pump()
  }

  /**
   * What waits may not be as it was read: a person cancelled a delivery, or retried it. Nothing
   * that is in memory starts.
   */
  reread(): void {
    this.#backlog.drop()
    this.#pump()
  }

  /** The endpoint was changed: nothing more starts as it was. An `update` must follow. */
  expectUpdate(): void {
    this.#isOutdated = true
  }

  /** The endpoint as it is now, its health included, since enabling it resets that. */
  update(endpoint: LaneEndpoint): void {
    this.#isOutdated = false
    const isOlder = Number(endpoint.version) < Number(this.#endpoint.version)
    if (!isOlder && endpoint !== this.#endpoint) this.#adopt(endpoint)
    this.reread()
  }

  /** Starts nothing more. Resolves once every request has its answer and every answer is stored. */
  stop(): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#timer)
    this.#context.permits.forget(this.#seeker)
    this.#backlog.drop()
    this.#settleStop()
    return this.#stopped.promise
  }

  #adopt(endpoint: LaneEndpoint): void {
    const before = this.#endpoint
    if (endpoint.ordered !== before.ordered) this.#window = initialWindow(endpoint.ordered)
    if (endpoint.rateLimitPerSecond !== before.rateLimitPerSecond) this.#pace = null
    this.#endpoint = endpoint
    this.#health = endpoint.health
  }

  #settleStop(): void {
    if (this.#stopping && this.#backlog.atWork === 0) this.#stopped.resolve()
  }

  #now(): number {
    return this.#context.clock.now().getTime()
  }

  /** The one place where a lane decides what to do next. */
  #pump(): void {
    if (this.#stopping) return this.#settleStop()
    const now = this.#now()
    if (this.#reminders.take(now)) this.#backlog.hint()
    this.#nextAt = this.#reminders.nextAt
    while (this.#mayStart(now)) this.#start()
    if (this.#wantsMore(now)) void this.#load()
    this.#restUntilNext(now)
  }

  #mayStart(now: number): boolean {
    if (!this.#backlog.head || this.#isOutdated) return false
    if (this.#endpoint.state !== 'ENABLED') return false
    if (!this.#context.isLeaseLive()) return this.#notBefore(now + leaseLookAgainMs)
    const headAt = this.#headAt()
    if (headAt > now) return this.#notBefore(headAt)
    if (this.#health.parkedUntil) this.#health = resume(this.#health, new Date(now))
    const parkedUntil = this.#health.parkedUntil?.getTime() ?? 0
    if (parkedUntil > now) return this.#notBefore(parkedUntil)
    return this.#sending.size < this.#inFlightMax() && this.#takeTurn(now)
  }

  /** When the first in line is due, in ms; 0: nobody waits. */
  #headAt(): number {
    const { head } = this.#backlog
    return (head?.heldUntil ?? head?.dueAt)?.getTime() ?? 0
  }

  /** Answers false, and looks again at `at`. */
  #notBefore(at: number): false {
    this.#nextAt = Math.min(this.#nextAt, at)
    return false
  }

  /** An ordered endpoint and a probe have one request out, its result stored before the next. */
  #inFlightMax(): number {
    return this.#isOneByOne() ? 1 : this.#window
  }

  #isOneByOne(): boolean {
    return this.#endpoint.ordered || this.#health.circuit === 'HALF_OPEN'
  }

  /** Takes a token of the endpoint's own rate and a permit of the process. */
  #takeTurn(now: number): boolean {
    const rate = this.#endpoint.rateLimitPerSecond
    const taken = rate === null ? null : takeToken(this.#pace ?? startPace(rate, now), rate, now)
    if (taken && !taken.ok) return this.#notBefore(now + taken.waitMs)
    if (!this.#context.permits.take(this.#seeker)) return false
    this.#pace = taken ? taken.pace : null
    return true
  }

  #start(): void {
    const due = this.#backlog.take()
    if (!due) return
    this.#sending.add(due.deliveryId)
    const run = this.#run(due).catch(this.#context.failed)
    // Only now, so that what is sent and not stored has a bound: a kill would have it sent again.
    void run.then(() => {
      this.#context.permits.give(this.#seeker)
      this.#sending.delete(due.deliveryId)
      this.#backlog.ended(due, this.#now())
      this.#pump()
    })
  }

  async #run(due: DueDelivery): Promise<void> {
    const endpoint = this.#endpoint
    const isOneByOne = this.#isOneByOne()
    const sent = await this.#context.send(endpoint, due)
    const { settled, health, gone } = settle(sent, {
      ...{ endpoint, health: this.#health },
      ...{ now: this.#context.clock.now(), random: Math.random() },
    })
    this.#context.judged(endpoint, { before: this.#health, after: health })
    this.#health = health
    this.#window = adaptWindow(this.#window, sent.outcome, this.#endpoint.ordered)
    const isGone = gone && endpoint.version === this.#endpoint.version
    // Until it is disabled for all, nothing more starts here.
    if (isGone) this.#endpoint = { ...this.#endpoint, state: 'DISABLED' }
    const recording = this.#context.record(settled, isOneByOne)
    if (!isOneByOne) this.#makeRoom(due)
    const recorded = await recording
    if (isGone && recorded.counted) this.#context.gone(endpoint)
    this.#follow(recorded)
  }

  /** Its answer is here: the next request need not wait until it is stored. */
  #makeRoom(due: DueDelivery): void {
    this.#sending.delete(due.deliveryId)
    this.#pump()
  }

  /** A retry is read from the table when it is due; an ordered one at once, it is still first. */
  #follow(recorded: Recorded): void {
    if (!recorded.counted) return this.#backlog.drop()
    if (recorded.nextAttemptAt === null) return
    if (this.#endpoint.ordered) this.#backlog.drop()
    else this.#reminders.add(recorded.nextAttemptAt.getTime())
  }

  #wantsMore(now: number): boolean {
    if (this.#endpoint.state !== 'ENABLED' || this.#isOutdated) return false
    if (!this.#backlog.wantsMore(this.#inFlightMax())) return false
    const { parkedUntil } = this.#health
    if (parkedUntil && parkedUntil.getTime() > now) return this.#notBefore(parkedUntil.getTime())
    const loadAt = this.#loadFailedAt + loadRetryMs
    return loadAt > now ? this.#notBefore(loadAt) : true
  }

  async #load(): Promise<void> {
    const { wish, reading } = this.#backlog.startReading()
    try {
      const page = await this.#context.loadPage(wish)
      const isLeftover = ({ heldUntil }: DueDelivery) => heldUntil !== null
      if (!this.#endpoint.ordered && page.rows.some(isLeftover)) {
        await this.#context.unhold(this.#endpoint)
        this.#backlog.drop()
      }
      this.#backlog.endReading(page, reading)
    } catch (error) {
      this.#loadFailedAt = this.#now()
      this.#backlog.giveUpReading(reading)
      this.#context.failed(error)
    }
    this.#pump()
  }

  /** Sets the one timer: to the next thing that is due, or to the end of lingering. */
  #restUntilNext(now: number): void {
    clearTimeout(this.#timer)
    const hasLongRest = this.restsUntil - now > laneLingerMs
    const isIdle = this.#isIdle(hasLongRest)
    if (!isIdle) this.#busyAt = now
    const lingerEnds = this.#busyAt + this.#context.lingerMs()
    if (isIdle && (hasLongRest || now >= lingerEnds)) return this.#context.idle()
    const wakeAt = Math.min(this.#nextAt, isIdle ? lingerEnds : Infinity)
    if (wakeAt === Infinity) return
    this.#timer = setTimeout(() => this.#pump(), Math.max(1, wakeAt - now))
  }

  /** Nothing is under way; and nothing waits in memory, unless for long. */
  #isIdle(hasLongRest: boolean): boolean {
    if (this.#backlog.isReading || this.#backlog.atWork > 0 || this.#isOutdated) return false
    return hasLongRest || (this.#backlog.isComplete && this.#backlog.size === 0)
  }
}
