import type { Clock } from '../clock.ts'
import type { Pool } from '../db.ts'
import {
  claimBatchMax,
  claimEveryMs,
  drainRequestsMs,
  heartbeatEveryMs,
  laneLingerMs,
  lanesLingeringMax,
  lanesMax,
  laneTenureMs,
  leaseMarginMs,
  leaseSeconds,
  newsEveryMs,
} from '../limits.ts'
import type { Log } from '../log.ts'
import type { LaneClaim, LaneQueue } from '../queue.ts'
import { publicId } from '../rules/id.ts'
import type { DueDelivery } from '../store/due.ts'
import type { Telemetry } from '../telemetry.ts'
import { Batcher } from './batcher.ts'
import { cancelWaiting } from './cancel-waiting.ts'
import { EndpointReader } from './endpoint-reader.ts'
import type { LaneContext } from './lane-context.ts'
import { tellNews } from './lane-news.ts'
import { Lane } from './lane.ts'
import type { LoadEndpoint } from './load.ts'
import { ParkedLanes } from './parked-lanes.ts'
import { Rounds } from './rounds.ts'

/** What the lanes of a process share. */
export type LanesContext = Omit<LaneContext, 'isLeaseLive' | 'lingerMs' | 'idle' | 'failed'> & {
  readonly pool: Pool
  readonly queue: LaneQueue
  readonly clock: Clock
  readonly loadEndpoint: LoadEndpoint
  readonly log: Log
  readonly telemetry: Telemetry
  /** Changes were committed: subscribers may look. */
  readonly changed: (workspaceIds: readonly string[]) => void
  /** Ends every request that is out: its `send` rejects, and nothing of it is recorded. */
  readonly giveUp: () => void
  readonly isGivenUp: () => boolean
}

/** `lane` is null while it opens and closes: hints then go to the queue, for its next owner. */
type Owned = {
  readonly claim: LaneClaim
  readonly since: number
  leaseUntil: number
  lane: Lane | null
  reader: EndpointReader | null
  /** Set once it is being given back. */
  returning: Promise<void> | null
}

/**
 * The lanes this process owns. Claims waiting ones, renews their leases, tells them what they may
 * have missed, and gives them back: when idle, after their tenure, and on shutdown.
 */
export class Lanes implements AsyncDisposable {
  readonly #context: LanesContext
  readonly #owned = new Map<string, Owned>()
  /** Lanes that were lost, whose last requests are still out. */
  readonly #ending = new Map<string, Promise<void>>()
  readonly #parked: ParkedLanes
  readonly #releases: Batcher<LaneClaim, undefined>
  readonly #claiming: Rounds
  readonly #duties: readonly Rounds[]
  #stopping = false

  constructor(context: LanesContext) {
    this.#context = context
    this.#parked = new ParkedLanes(context.clock)
    const rounds = (everyMs: number, run: () => Promise<void>) => {
      return new Rounds({ everyMs, run, failed: this.#failed })
    }
    this.#releases = new Batcher({
      flush: async (claims) => {
        await context.queue.release(claims)
        return claims.map(() => undefined)
      },
      itemsMax: claimBatchMax,
    })
    this.#claiming = rounds(claimEveryMs, () => this.#claim())
    this.#duties = [
      rounds(heartbeatEveryMs, () => this.#renew()),
      rounds(newsEveryMs, () => this.#readNews()),
    ]
  }

  /** True: a lane here takes care of it, and nobody else needs to be told. */
  offer(due: DueDelivery): boolean {
    const lane = this.#owned.get(due.endpointId)?.lane
    lane?.offer(due)
    return lane ? true : this.#parked.has(due.endpointId)
  }

  /** As `offer`, for work that is in the table alone. */
  poke(endpointId: string): boolean {
    const lane = this.#owned.get(endpointId)?.lane
    lane?.poke()
    return lane ? true : this.#parked.has(endpointId)
  }

  /** As `poke`, where a person changed what waits or whether it goes: nothing starts as it was. */
  reread(endpointId: string): boolean {
    this.#parked.delete(endpointId)
    const owned = this.#owned.get(endpointId)
    owned?.lane?.reread()
    owned?.reader?.read()
    return Boolean(owned?.lane)
  }

  /** The endpoint was changed: nothing starts until it is read again. */
  refresh(endpointId: string): void {
    this.#parked.delete(endpointId)
    const owned = this.#owned.get(endpointId)
    owned?.lane?.expectUpdate()
    owned?.reader?.readChange()
  }

  /** Another process woke or changed these endpoints; null: many. */
  announced(endpointIds: readonly string[] | null): void {
    for (const endpointId of endpointIds ?? []) {
      this.#parked.delete(endpointId)
      this.poke(endpointId)
    }
    this.#duties.at(-1)?.soon()
    this.claimSoon()
  }

  /** Some lane waits in the queue: look now, not at the next round. */
  claimSoon(): void {
    this.#claiming.soon()
  }

  /**
   * Claims nothing more, lets requests end for `drainRequestsMs`, gives up those that have not, and
   * gives the lanes back. What was given up is attempted again by the lane's next owner.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true
    const deadline = setTimeout(() => this.#giveUp(), drainRequestsMs)
    await this.#drain()
    clearTimeout(deadline)
  }

  #giveUp(): void {
    this.#context.log.warn(
      { requests: this.#context.permits.taken },
      'gave up requests to end in time',
    )
    this.#context.giveUp()
  }

  async #drain(): Promise<void> {
    await this.#claiming.stop()
    const returning = [...this.#owned.values()].map((owned) => this.#giveBack(owned))
    await Promise.all([...returning, ...this.#ending.values()])
    await Promise.all(this.#duties.map((duty) => duty.stop()))
  }

  readonly #failed = (error: unknown): void => {
    if (this.#context.isGivenUp()) return
    this.#context.log.error({ err: error }, 'a lane duty failed; it is done again')
  }

  async #claim(): Promise<void> {
    const room = Math.min(claimBatchMax, lanesMax - this.#owned.size)
    if (this.#stopping || room <= 0) return
    const asked = performance.now()
    const claims = await this.#context.queue.claim(room)
    for (const claim of claims) this.#own(claim, asked)
    if (claims.length === room) this.#claiming.soon()
  }

  #own(claim: LaneClaim, since: number): void {
    const before = this.#owned.get(claim.endpointId)
    if (before) this.#lose(before)
    const none = { lane: null, reader: null, returning: null }
    const owned: Owned = { claim, since, leaseUntil: leaseFrom(since), ...none }
    this.#owned.set(claim.endpointId, owned)
    this.#parked.delete(claim.endpointId)
    this.#context.telemetry.lanes.set(this.#owned.size)
    void this.#open(owned).catch((error: unknown) => {
      this.#failed(error)
      return this.#giveBack(owned)
    })
  }

  /** Opens the lane, once the last requests of one that was lost here are recorded. */
  async #open(owned: Owned): Promise<void> {
    await this.#ending.get(owned.claim.endpointId)
    const endpoint = await this.#context.loadEndpoint(owned.claim.endpointId)
    if (endpoint?.state === 'DELETED') await cancelWaiting(this.#context, endpoint)
    if (this.#stopping || !this.#isOurs(owned)) return
    if (endpoint?.state !== 'ENABLED') {
      if (endpoint) this.#parked.add(endpoint.endpointId, Infinity)
      return this.#giveBack(owned)
    }
    const lane = new Lane(this.#laneContext(owned), endpoint)
    owned.reader = this.#newReader(lane)
    owned.lane = lane
    lane.poke()
  }

  /** Where it could not be read the lane goes on: the news show the difference again. */
  #newReader(lane: Lane): EndpointReader {
    return new EndpointReader({
      endpointId: lane.endpoint.endpointId,
      load: this.#context.loadEndpoint,
      adopt: (endpoint = lane.endpoint) => {
        lane.update(endpoint)
        if (endpoint.state !== 'DELETED') return
        void cancelWaiting(this.#context, endpoint).catch(this.#failed)
      },
      failed: this.#failed,
    })
  }

  #isOurs(owned: Owned): boolean {
    return this.#owned.get(owned.claim.endpointId) === owned && owned.returning === null
  }

  #laneContext(owned: Owned): LaneContext {
    return {
      ...this.#context,
      isLeaseLive: () => performance.now() < owned.leaseUntil,
      // With many lanes none is kept for what may come: the next ones wait for its place.
      lingerMs: () => (this.#owned.size <= lanesLingeringMax ? laneLingerMs : 0),
      idle: () => {
        if (owned.lane) this.#parked.add(owned.claim.endpointId, owned.lane.restsUntil)
        void this.#giveBack(owned)
      },
      failed: this.#failed,
    }
  }

  /** Hints go to the queue from here on, so none is lost until the release. Never rejects. */
  #giveBack(owned: Owned): Promise<void> {
    owned.returning ??= this.#return(owned).catch(this.#failed)
    return owned.returning
  }

  async #return(owned: Owned): Promise<void> {
    const { claim, lane } = owned
    owned.lane = null
    await lane?.stop()
    try {
      await this.#releases.add(claim)
    } finally {
      this.#forget(owned) // where releasing failed the lease ends by itself, unrenewed
    }
  }

  #forget(owned: Owned): void {
    if (this.#owned.get(owned.claim.endpointId) !== owned) return
    this.#owned.delete(owned.claim.endpointId)
    this.#context.telemetry.lanes.set(this.#owned.size)
  }

  /** A lease that was not renewed belongs to somebody else: its lane is dropped where it stands. */
  async #renew(): Promise<void> {
    const asked = performance.now()
    const all = [...this.#owned.values()]
    const ours = await this.#context.queue.renew(all.map((owned) => owned.claim))
    for (const owned of all) {
      if (ours.has(owned.claim.jobId)) owned.leaseUntil = leaseFrom(asked)
      else if (this.#isOurs(owned)) this.#lose(owned)
    }
    const overdue = all.filter((owned) => owned.lane && asked - owned.since > laneTenureMs)
    await this.#context.queue.wake(overdue.map((owned) => owned.claim.endpointId))
    for (const owned of overdue) void this.#giveBack(owned)
  }

  #lose(owned: Owned): void {
    const { lane, claim } = owned
    const { endpointId } = claim
    if (lane) this.#context.log.warn({ endpoint: publicId('wh', endpointId) }, 'lost a lane')
    owned.lane = null
    const last = Promise.all([lane?.stop(), owned.returning, this.#ending.get(endpointId)])
    const ending: Promise<void> = last.then(() => {
      if (this.#ending.get(endpointId) === ending) this.#ending.delete(endpointId)
    })
    this.#ending.set(endpointId, ending)
    this.#forget(owned)
  }

  async #readNews(): Promise<void> {
    const open = new Map<string, Lane>()
    for (const [endpointId, { lane }] of this.#owned) if (lane) open.set(endpointId, lane)
    for (const endpointId of await tellNews(this.#context, open)) this.refresh(endpointId)
  }
}

/** Ends before the lease does: nobody starts an attempt at its last moment. */
const leaseFrom = (askedAt: number) => askedAt + leaseSeconds * 1000 - leaseMarginMs
