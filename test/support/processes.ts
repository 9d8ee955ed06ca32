import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { systemClock, type Clock } from '../../src/clock.ts'
import { openDatabase } from '../../src/db.ts'
import { createLog } from '../../src/log.ts'
import { type Engine, startEngine } from '../../src/pipeline/engine.ts'
import type { AddressPolicy } from '../../src/rules/address.ts'
import { createTelemetry } from '../../src/telemetry.ts'
import type { Bundle } from './bundle.ts'

/** What a second process may have otherwise. */
export type SecondProcess = {
  readonly delivers?: boolean
  readonly clock?: Clock
  /** The bundle's unless given. */
  readonly allowedNetworks?: AddressPolicy
}

/** The data plane of one more process on the bundle's database, with the same keys. */
export async function startSecond(
  { databaseUrl, services }: Pick<Bundle, 'databaseUrl' | 'services'>,
  options: SecondProcess = {},
): Promise<Engine> {
  const { delivers = true, clock = systemClock } = options
  await using resources = new AsyncDisposableStack()
  const database = resources.use(await openDatabase(databaseUrl))
  const engine = resources.use(
    await startEngine({
      ...{ database, clock, delivers, sealer: services.sealer },
      ...{ log: createLog('silent'), telemetry: createTelemetry() },
      allowedNetworks: options.allowedNetworks ?? services.urlRules.policy,
      httpsOnly: false,
      ...{ userAgent: 'Postrider/second', tracer: null, changed: () => {} },
    }),
  )
  const kept = resources.move()
  return { ...engine, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/** A data plane in another process. Disposing kills it. */
export type EngineProcess = AsyncDisposable & {
  /** SIGKILL ends it where it stands; SIGSTOP and SIGCONT make it a zombie for a while. */
  readonly signal: (name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT') => void
}

/** Starts one on this database; `sealKey` is what its secrets are sealed with. */
export async function startEngineProcess(
  databaseUrl: string,
  sealKey: Buffer,
): Promise<EngineProcess> {
  const child = fork(fileURLToPath(new URL('./engine-process.ts', import.meta.url)))
  // Also where a test that timed out never disposes it: stopped, it would hold its pipes for ever.
  process.once('exit', () => child.kill('SIGKILL'))
  const ready = once(child, 'message')
  const ended = once(child, 'exit')
  child.send({ databaseUrl, sealKey: sealKey.toString('base64') })
  await Promise.race([ready, ended])
  return {
    signal: (name) => child.kill(name),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
