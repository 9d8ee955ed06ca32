import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Role } from '../../../src/config.ts'
import { judge, type Verdict } from './checker.ts'
import { exactly, type Finding } from './findings.ts'
import { freePort } from './free-port.ts'
import { Instance } from './instance.ts'
import { openLedger, type Entry, type Ledger } from './ledger.ts'
import { startPostgres, type Postgres } from './postgres.ts'
import { startProxy, type Proxy } from './proxy.ts'
import { newPublisher, type Publisher, type SteadyPlan } from './publisher.ts'
import type { Script } from './receiver-messages.ts'
import { startReceivers, type Receivers } from './receivers.ts'
import { countDue, readStored } from './stored.ts'
import { createTenant, type Tenant, type TenantOptions } from './tenant.ts'
import type { Trial } from './trial.ts'

export type LabOptions = {
  /** One process each. The API is asked at the first that has it, and at the others that do. */
  readonly roles: readonly Role[]
  /** What receivers do, unless told otherwise. */
  readonly script?: Script
  /** The program reaches its database through `databaseWay`; otherwise nothing does. */
  readonly viaProxy?: boolean
}

/** The program with everything around it: its database, its processes, publisher and receivers. */
export type Lab = AsyncDisposable & {
  readonly postgres: Postgres
  /** Between the program and its database, where that was asked for. */
  readonly databaseWay: Proxy
  readonly instances: readonly Instance[]
  /** Those that send. */
  readonly workers: readonly Instance[]
  /** Those that serve the API. */
  readonly apis: readonly Instance[]
  readonly adminKey: string
  readonly receivers: Receivers
  readonly ledger: Ledger
  readonly publisher: Publisher
  /** Publishes steadily with no fault there yet: what a fault is compared with. */
  readonly baseline: (plan: SteadyPlan) => Promise<Entry[]>
  readonly addTenant: (options: TenantOptions) => Promise<Tenant>
  /** Waits until nothing is due and nothing under way, or for `limitMs`; then judges. */
  readonly settle: (limitMs?: number) => Promise<Verdict>
}

const quickly: Script = { status: 200, afterMs: 10 }
const settleMsMax = 60_000
/** Code is compiled, lanes and connections are opened: no part of a baseline. */
const warmUpMs = 4_000

/** Starts everything. Disposing ends it. */
export async function openLab(trial: Trial, options: LabOptions): Promise<Lab> {
  await using resources = new AsyncDisposableStack()
  const postgres = resources.use(await startPostgres(join(trial.folder, 'database')))
  const databaseWay = resources.use(await startProxy(postgres.port))
  const receivers = resources.use(await startReceivers())
  receivers.follow(null, options.script ?? quickly)
  const ledger = resources.use(await openLedger(join(trial.folder, 'ledger.jsonl')))
  const adminKey = randomBytes(24).toString('hex')
  const databaseUrl = new URL(postgres.url)
  if (options.viaProxy) databaseUrl.port = String(databaseWay.port)
  const env = environment(databaseUrl.href, adminKey)
  // An experiment whose program broke has failed: it comes to its end soon.
  const broken = new AbortController()
  const instances: Instance[] = []
  for (const [index, role] of options.roles.entries()) {
    const name = `${role}-${index}`
    const logFile = join(trial.folder, `${name}.log`)
    const port = await freePort()
    const broke = () => {
      trial.say(`${name} has ended by itself: ${logFile}`)
      broken.abort()
    }
    const instance = new Instance({ name, role, port, env, logFile, broke })
    instances.push(resources.use(instance))
    await instance.start()
  }
  const apis = instances.filter(({ role }) => role !== 'worker')
  const urls = apis.map(({ url }) => url)
  const publisher = newPublisher({ ledger, key: adminKey, urls, stop: broken.signal })
  const numbers = new Map<string, number>()
  const kept = resources.move()
  const lab: Lab = {
    ...{ postgres, databaseWay, instances, apis, adminKey, receivers, ledger, publisher },
    workers: instances.filter(({ role }) => role !== 'api'),
    addTenant: async (wanted) => {
      const reach = { url: apis[0]?.url ?? '', key: adminKey, receivers }
      const tenant = await createTenant(reach, wanted)
      tenant.endpointIds.forEach((id, index) => numbers.set(id, tenant.endpoints[index] ?? -1))
      return tenant
    },
    baseline: async (plan) => {
      await publisher.publishSteadily({ ...plan, forMs: warmUpMs })
      return publisher.publishSteadily(plan)
    },
    settle: async (limitMs = settleMsMax) => {
      await untilIdle(lab, AbortSignal.any([broken.signal, AbortSignal.timeout(limitMs)]))
      await receivers.flush()
      const { entries } = ledger
      const stored = await readStored(postgres)
      const numberOf = (endpointId: string) => numbers.get(endpointId) ?? -1
      return judge({ entries, arrivals: receivers.arrivals, stored, numberOf })
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
  return lab
}

function environment(databaseUrl: string, adminKey: string) {
  return {
    DATABASE_URL: databaseUrl,
    POSTRIDER_ADMIN_KEY: adminKey,
    POSTRIDER_ENCRYPTION_KEYS: `faults:${randomBytes(32).toString('base64')}`,
    POSTRIDER_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
    POSTRIDER_HTTPS_ONLY: 'false',
    POSTRIDER_LOG_LEVEL: 'warn',
  }
}

/** Nothing due, nothing under way. */
async function untilIdle({ postgres, receivers }: Lab, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    if ((await countDue(postgres)) === 0 && receivers.open() === 0) return
    await pause(200)
  }
}

/** Processes that ended though nobody had told them to. */
export function survivalFindings({ instances }: Lab): Finding[] {
  const ends = instances.reduce((sum, { unexpectedEnds }) => sum + unexpectedEnds, 0)
  return [exactly('unexpected exits', ends, 0)]
}

/** Numbers of endpoints: `count` of them from `first` on. */
export function numbered(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}
