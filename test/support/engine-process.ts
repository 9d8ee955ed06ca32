import { systemClock } from '../../src/clock.ts'
import { openDatabase } from '../../src/db.ts'
import { createLog } from '../../src/log.ts'
import { workOnReplays } from '../../src/maintenance/replays.ts'
import { startEngine } from '../../src/pipeline/engine.ts'
import { parseCidrs } from '../../src/rules/address.ts'
import { newSealer } from '../../src/seal.ts'
import { createTelemetry } from '../../src/telemetry.ts'

/** What the parent says first: the database, and the key its secrets are sealed with. */
export type EngineOrder = { readonly databaseUrl: string; readonly sealKey: string }

/** A data plane, replays included, in a process of its own, to be killed and stopped by a test. */
process.once('message', (order: EngineOrder) => void start(order))

async function start({ databaseUrl, sealKey }: EngineOrder): Promise<void> {
  const networks = parseCidrs('127.0.0.0/8')
  const database = await openDatabase(databaseUrl)
  const common = { clock: systemClock, log: createLog('silent'), telemetry: createTelemetry() }
  const { wake } = await startEngine({
    ...{ ...common, database },
    sealer: newSealer([{ id: 'test', key: Buffer.from(sealKey, 'base64') }]),
    allowedNetworks: networks.ok ? networks.policy : [],
    ...{
      httpsOnly: false,
      userAgent: 'Postrider/child',
      tracer: null,
      delivers: true,
      changed: () => {},
    },
  })
  const added = (endpointIds: readonly string[]) => wake.added(endpointIds)
  workOnReplays({ ...common, database, added, changed: () => {} })
  process.send?.('ready')
}
