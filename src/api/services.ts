import type { ControlPorts } from '../control/ports.ts'
import type { Hub } from '../feed/hub.ts'
import type { ReplayWatch } from '../feed/replay-watch.ts'
import type { Publisher } from '../pipeline/publish.ts'
import type { LogSpan } from '../store/log-span.ts'
import { actorOf, type Caller, type Callers } from './caller.ts'
import type { Cursors } from './graphql/cursor.ts'
import type { RateLimiter } from './rate-limit.ts'

/** What of the configuration the API must know. */
export type ApiConfig = {
  /** Requests in a minute that a new workspace key gets unless told otherwise; 0: no limit. */
  readonly apiRateLimit: number
  /** Whether the schema is shown to callers without a key. */
  readonly openIntrospection: boolean
  /** Origins whose pages may call the API. */
  readonly corsOrigins: readonly string[]
  /** What is older is gone. */
  readonly retentionDays: number
}

/**
 * What the API layer needs: functions, nothing to reach into. Built once, by `app.ts`. Who asks is
 * known with each request, see {@link actingFor}.
 */
export type Services = Omit<ControlPorts, 'actor'> & {
  readonly config: ApiConfig
  readonly callers: Callers
  readonly rateLimiter: RateLimiter
  readonly cursors: Cursors
  readonly hub: Hub
  readonly replayWatch: ReplayWatch
  /** Which ids the log can hold: lists read no further. */
  readonly logSpan: () => Promise<LogSpan>
  readonly publisher: Publisher
}

/** The services for one caller: what is changed through them is noted as theirs. */
export type ActingServices = Services & Pick<ControlPorts, 'actor'>

/** See {@link ActingServices}. */
export function actingFor(caller: Caller, services: Services): ActingServices {
  return { ...services, actor: actorOf(caller) }
}
