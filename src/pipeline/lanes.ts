import type { Clock } from '../clock.ts'
import type { Pool } from '../db.ts'
import {
  cancelBatchMax,
  claimBatchMax,
  claimEveryMs,
  dueHorizonMs,
  heartbeatEveryMs,
  lanesMax,
  laneTenureMs,
  leaseMarginMs,
  leaseSeconds,
  newsEveryMs,
  parkedLanesMax,
} from '../limits.ts'
import type { Log } from '../log.ts'
import type { LaneClaim, LaneQueue } from '../queue.ts'
import { newUuid, publicId } from '../rules/id.ts'
import { cancelDue, type DueDelivery } from '../store/due.ts'
import { readLaneNews } from '../store/lane-endpoint.ts'
import type { Telemetry } from '../telemetry.ts'
import { Lane, type LaneContext } from './lane.ts'
import type { LoadEndpoint } from './load.ts'
import { Rounds } from './rounds.ts'
import type { LaneEndpoint } from './stages.ts'

export type LanesContext = Omit<LaneContext, 'isLeaseLive' | 'idle' | 'failed'> & {
  readonly pool: Pool
  readonly queue: LaneQueue
  readonly clock: Clock
  readonly loadEndpoint: LoadEndpoint
  readonly log: Log
  readonly telemetry: Telemetry
  /** Changes were committed: subscribers may look. */
  readonly changed: (workspaceIds: readonly string[]) => void
}

/** `lane` is null while it opens and closes: hints then go to the queue, for its next owner. */
type Owned = {
  readonly claim: LaneClaim
  readonly since: number
  leaseUntil: number
  lane: Lane | null
}

/**
 * The lanes this process owns. Claims waiting ones, renews their leases, tells them what they may
 * have missed, and gives them back: when idle, after their tenure, and on shutdown.
 */
export class Lanes implements AsyncDisposable {
  readonly #context: LanesContext
  readonly #owned = new Map<string, Owned>()
  /** Endpoints whose lane rests until a time known here: waking them before is in vain. */
  readonly #parked = new Map<string, number>()
  readonly #claiming: Rounds
  readonly #duties: readonly Rounds[]
  #stopping = false

  constructor(context: LanesContext) {
    this.#context = context
    const rounds = (everyMs: number, run: () => Promise<void>) => {
      return new Rounds({ everyMs, run, failed: this.#failed })
    }
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
    return lane ? true : this.#isParked(due.endpointId)
  }

  /** As `offer`, for work that is in the table alone. */
  poke(endpointId: string): boolean {
    const lane = this.#owned.get(endpointId)?.lane
    lane?.poke()
    return lane ? true : this.#isParked(endpointId)
  }

  /** A person changed the endpoint: whatever was known of it is read again. */
  refresh(endpointId: string): void {
    this.#parked.delete(endpointId)
    const owned = this.#owned.get(endpointId)
    if (owned?.lane) void this.#update(owned).catch(this.#failed)
  }

  /** Another process changed something about an endpoint that may be here. */
  readNewsSoon(): void {
    this.#duties.at(-1)?.soon()
  }

  /** Some lane waits in the queue: look now, not at the next round. */
  claimSoon(): void {
    this.#claiming.soon()
  }

  /** Requests without an answer, in all lanes. */
  get inFlight(): number {
    let sum = 0
    for (const { lane } of this.#owned.values()) sum += lane?.inFlight ?? 0
    return sum
  }

  /** Claims nothing more, lets every request end, and gives the lanes back. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true
    await this.#claiming.stop()
    await Promise.all([...this.#owned.values()].map((owned) => this.#giveBack(owned)))
    await Promise.all(this.#duties.map((duty) => duty.stop()))
  }

  readonly #failed = (error: unknown): void => {
    this.#context.log.error({ err: error }, 'a lane duty failed; it is done again')
  }

  async #claim(): Promise<void> {
    const room = Math.min(claimBatchMax, lanesMax - this.#owned.size)
    if (this.#stopping || room <= 0) return
    const asked = performance.now()
    const claims = await this.#context.queue.claim(room)
    for (const claim of claims) {
      const owned = { claim, since: asked, leaseUntil: leaseFrom(asked), lane: null }
      this.#owned.set(claim.endpointId, owned)
      void this.#update(owned).catch((error: unknown) => {
        this.#failed(error)
        return this.#giveBack(owned).catch(this.#failed)
      })
    }
    this.#context.telemetry.lanes.set(this.#owned.size)
    if (claims.length === room) this.#claiming.soon()
  }

  /** Reads the endpoint, and opens its lane or tells the open one. */
  async #update(owned: Owned): Promise<void> {
    const opening = owned.lane === null
    const endpoint = await this.#context.loadEndpoint(owned.claim.endpointId)
    if (!endpoint) return this.#giveBack(owned)
    if (endpoint.state === 'DELETED') await this.#cancelAll(endpoint)
    if (this.#stopping || this.#owned.get(endpoint.endpointId) !== owned) return
    if (opening) owned.lane = new Lane(this.#laneContext(owned), endpoint)
    owned.lane?.update(endpoint)
  }

  #laneContext(owned: Owned): LaneContext {
    return {
      ...this.#context,
      isLeaseLive: () => performance.now() < owned.leaseUntil,
      idle: (lane) => {
        this.#rememberRest(lane)
        void this.#giveBack(owned).catch(this.#failed)
      },
      failed: this.#failed,
    }
  }

  #rememberRest({ endpoint, restsUntil }: Lane): void {
    if (restsUntil === null || this.#parked.size >= parkedLanesMax) return
    this.#parked.set(endpoint.endpointId, restsUntil)
  }

  #isParked(endpointId: string): boolean {
    const until = this.#parked.get(endpointId)
    if (until === undefined) return false
    if (until > this.#context.clock.now().getTime()) return true
    this.#parked.delete(endpointId)
    return false
  }

  async #cancelAll({ endpointId, workspaceId }: LaneEndpoint): Promise<void> {
    for (;;) {
      const at = this.#context.clock.now()
      const changeId = newUuid(at.getTime())
      const lane = { endpointId, workspaceId, changeId, at, limit: cancelBatchMax }
      if ((await cancelDue(this.#context.pool, lane)) === 0) return
      this.#context.changed([workspaceId])
    }
  }

  /** Hints go to the queue from the first line on, so none is lost between here and the release. */
  async #giveBack(owned: Owned): Promise<void> {
    const { claim, lane } = owned
    owned.lane = null
    if (lane) await lane.stop()
    if (this.#owned.get(claim.endpointId) !== owned) return
    await this.#context.queue.release([claim])
    this.#forget(owned)
  }

  #forget(owned: Owned): void {
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
      else this.#lose(owned)
    }
    const overdue = all.filter((owned) => owned.lane && asked - owned.since > laneTenureMs)
    await this.#context.queue.wake(overdue.map((owned) => owned.claim.endpointId))
    for (const owned of overdue) void this.#giveBack(owned).catch(this.#failed)
  }

  #lose(owned: Owned): void {
    const { lane, claim } = owned
    if (this.#owned.get(claim.endpointId) !== owned || lane === null) return
    this.#context.log.warn(
      { endpoint: publicId('wh', claim.endpointId) },
      'lane lost: its lease had lapsed',
    )
    owned.lane = null
    void lane.stop()
    this.#forget(owned)
  }

  /** What other processes changed or published, where their own hint did not arrive. */
  async #readNews(): Promise<void> {
    const open = [...this.#owned.values()].filter((owned) => owned.lane !== null)
    if (open.length === 0) return
    const news = await readLaneNews(
      this.#context.pool,
      open.map((owned) => owned.claim.endpointId),
    )
    const soon = this.#context.clock.now().getTime() + dueHorizonMs
    for (const { endpointId, version, nextDueAt } of news) {
      const lane = this.#owned.get(endpointId)?.lane
      if (!lane) continue
      if (lane.endpoint.version !== version) this.refresh(endpointId)
      else if (nextDueAt && nextDueAt.getTime() <= soon) lane.remind()
    }
  }
}

/** Ends before the lease does, by the time an attempt may need to notice. */
function leaseFrom(askedAt: number): number {
  return askedAt + leaseSeconds * 1000 - leaseMarginMs
}
