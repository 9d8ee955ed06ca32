import { publicId } from '../rules/id.ts'
import type { Clock } from '../clock.ts'
import { dueHorizonMs, sweepEveryMs, sweepLanesMax } from '../limits.ts'
import type { Pool } from '../db.ts'
import type { Log } from '../log.ts'
import type { LaneQueue } from '../queue.ts'
import { findDueEndpoints, type DueDelivery } from '../store/due.ts'
import type { DeliveryRow } from '../store/publication.ts'
import { Batcher } from './batcher.ts'
import type { Lanes } from './lanes.ts'
import { Rounds } from './rounds.ts'

/** Before every id. */
const sweepStart = '00000000-0000-0000-0000-000000000000'

/** What waking lanes needs. */
export type WakeContext = {
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Log
  readonly queue: LaneQueue
  /** The lanes of this process; null where it only serves the API. */
  readonly lanes: Lanes | null
  /** Tells other processes of work for, or changes of, these endpoints. */
  readonly announce: (endpointIds: readonly string[]) => void
}

/**
 * Brings work to its lane: an open lane here is told at once, every other one gets a job. All of
 * it are hints that may be lost with the process. The sweep looks at the table itself, every
 * second, and wakes what no lane is on: a publish whose process died between commit and hint, and
 * every retry whose time has come. (A delayed job for each retry would keep the next event of the
 * endpoint waiting: a delayed job of a key blocks an immediate one.)
 */
export class Wake implements AsyncDisposable {
  readonly #context: WakeContext
  readonly #jobs: Batcher<string, void>
  readonly #sweeping: Rounds | null
  /** Where the last sweep ended that found more than it could wake. */
  #sweptTo = sweepStart

  constructor(context: WakeContext) {
    this.#context = context
    this.#jobs = new Batcher({
      flush: (endpointIds) => this.#addJobs(endpointIds),
      itemsMax: sweepLanesMax,
    })
    const failed = (error: unknown) => {
      context.log.error({ err: error }, 'the sweep failed; it is done again')
    }
    const run = () => this.#sweep()
    this.#sweeping = context.lanes ? new Rounds({ everyMs: sweepEveryMs, run, failed }) : null
  }

  /** Deliveries that were just committed. Those due later are the sweep's. */
  created(deliveries: readonly DeliveryRow[]): void {
    const soon = this.#context.clock.now().getTime() + dueHorizonMs
    const unattended = new Set<string>()
    for (const delivery of deliveries) {
      if (delivery.status !== 'PENDING' || delivery.dueAt.getTime() > soon) continue
      if (this.#context.lanes?.offer(dueDelivery(delivery))) continue
      unattended.add(delivery.endpointId)
    }
    this.#queue(unattended)
  }

  /** A person changed what waits for these endpoints, or whether it may go. */
  async lanes(endpointIds: readonly string[]): Promise<void> {
    this.#queue(endpointIds.filter((endpointId) => !this.#context.lanes?.reread(endpointId)))
  }

  /** Rows were added for these endpoints, which no lane holds yet. */
  added(endpointIds: readonly string[]): void {
    this.#queue(endpointIds.filter((endpointId) => !this.#context.lanes?.poke(endpointId)))
  }

  /** Its lane reads the endpoint again, wherever it is. */
  endpointChanged(endpointId: string): void {
    this.#context.lanes?.refresh(endpointId)
    this.#context.announce([endpointId])
  }

  /** What another process announced; null: for many endpoints. */
  announced(endpointIds: readonly string[] | null): void {
    this.#context.lanes?.announced(endpointIds)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sweeping?.stop()
  }

  #queue(endpointIds: Iterable<string>): void {
    for (const endpointId of endpointIds) {
      void this.#jobs.add(endpointId).catch((error: unknown) => {
        this.#context.log.warn(
          { err: error, endpoint: publicId('wh', endpointId) },
          'wake-up left to the sweep',
        )
      })
    }
  }

  async #addJobs(endpointIds: readonly string[]): Promise<void[]> {
    const distinct = [...new Set(endpointIds)]
    await this.#context.queue.wake(distinct)
    this.#context.lanes?.claimSoon()
    this.#context.announce(distinct)
    return endpointIds.map(() => undefined)
  }

  async #sweep(): Promise<void> {
    const until = new Date(this.#context.clock.now().getTime() + dueHorizonMs)
    const wish = { until, after: this.#sweptTo, limit: sweepLanesMax }
    const due = await findDueEndpoints(this.#context.pool, wish)
    this.#sweptTo = due.length === sweepLanesMax ? (due.at(-1) ?? sweepStart) : sweepStart
    const unattended = await this.#context.queue.unattended(due)
    if (unattended.length > 0) await this.#addJobs(unattended)
  }
}

function dueDelivery({ event, ...delivery }: DeliveryRow): DueDelivery {
  return {
    deliveryId: delivery.deliveryId,
    workspaceId: delivery.workspaceId,
    endpointId: delivery.endpointId,
    eventId: event.eventId,
    event,
    dueAt: delivery.dueAt,
    heldUntil: null,
    attemptCount: 0,
    failures: 0,
    attemptTrigger: 'SCHEDULED',
  }
}
