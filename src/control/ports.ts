import type { Log } from '../log.ts'
import type { Clock } from '../clock.ts'
import type { Database } from '../db.ts'
import type { Actor } from '../model/audit-entry.ts'
import type { PingRequest } from '../pipeline/stages.ts'
import type { UrlRules } from '../rules/endpoint-url.ts'
import type { Sealer } from '../seal.ts'

/** What setting up needs from the rest of the program: functions, nothing to reach into. */
export type ControlPorts = {
  /** Who asks: every change is noted in the audit log as theirs. */
  readonly actor: Actor
  readonly clock: Clock
  readonly database: Database
  readonly log: Pick<Log, 'warn' | 'info' | 'error'>
  readonly sealer: Sealer
  /** Where endpoints may lie. */
  readonly urlRules: UrlRules
  readonly wake: {
    /** There may be work for these endpoints' lanes. A hint: the sweep finds what it misses. */
    readonly lanes: (endpointIds: readonly string[]) => Promise<void>
    /** An endpoint's settings changed: its lane reads it again. */
    readonly endpointChanged: (endpointId: string) => void
  }
  readonly publisher: {
    /** Stores a delivery to this endpoint alone. Answers after the commit. */
    readonly ping: (request: PingRequest) => Promise<{ readonly deliveryId: string }>
  }
}
