import type { Clock } from '../clock.ts'
import type { DueDelivery } from '../store/due.ts'
import type { HealthChange } from './circuit-log.ts'
import type { LoadPage } from './load.ts'
import type { Permits } from './permits.ts'
import type { Record } from './record.ts'
import type { LaneEndpoint, Sent } from './stages.ts'

/** What a lane needs of its process. */
export type LaneContext = {
  readonly clock: Clock
  readonly loadPage: LoadPage
  readonly send: (endpoint: LaneEndpoint, due: DueDelivery) => Promise<Sent>
  readonly record: Record
  /** Rows left from when the endpoint was ordered: each gets its own time. */
  readonly unhold: (endpoint: LaneEndpoint) => Promise<void>
  readonly permits: Permits
  /** False: the lease may have lapsed, and another process may own this lane by now. */
  readonly isLeaseLive: () => boolean
  /** The receiver answered 410: disable the endpoint. */
  readonly gone: (endpoint: LaneEndpoint) => void
  /** An attempt has ended. */
  readonly judged: (endpoint: LaneEndpoint, change: HealthChange) => void
  /** How long a lane without work is kept open, in ms. */
  readonly lingerMs: () => number
  /** Nothing to do for a while: the lane may be given back. */
  readonly idle: () => void
  /** Our bug or our infrastructure; the lane goes on. */
  readonly failed: (error: unknown) => void
}
