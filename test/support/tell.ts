import type { Clock } from '../../src/clock.ts'
import type { Pool } from '../../src/db.ts'
import { createLog } from '../../src/log.ts'
import { disableFailing } from '../../src/maintenance/auto-disable.ts'
import { FanOut } from '../../src/pipeline/fan-out.ts'
import { createTell, type Tell } from '../../src/pipeline/tell.ts'
import { createTelemetry } from '../../src/telemetry.ts'
import type { Platform } from './platform.ts'

/** Tells the operator, and neither lanes nor subscribers: they find it by themselves. */
export function newTell(pool: Pool, clock: Clock): Tell {
  const unheard = { log: createLog('silent'), telemetry: createTelemetry(), committed: () => {} }
  return createTell({ pool, clock, fanOut: new FanOut(pool), ...unheard })
}

/** Does now what is done every minute: endpoints that fail for too long are disabled. */
export function disableFailingNow({ bundle }: Platform, clock: Clock): Promise<void> {
  const { wake } = bundle.services
  const { pool } = bundle.database
  const endpointChanged = (endpointId: string) => wake.endpointChanged(endpointId)
  const tell = newTell(pool, clock)
  return disableFailing({ pool, clock, tell, log: createLog('silent'), endpointChanged })
}
