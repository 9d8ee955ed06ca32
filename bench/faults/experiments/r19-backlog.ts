import { Pool } from 'pg'
import { setTimeout as pause } from 'node:timers/promises'
import { uuidOf } from '../../../src/rules/id.ts'
import { dueStart, findDueEndpoints, loadDue } from '../../../src/store/due.ts'
import { beforeAllIds } from '../../../src/store/slice.ts'
import { ratioFindings } from '../harness/bounds.ts'
import { verdictFindings } from '../harness/checker.ts'
import { atLeast, atMost, exactly, noted, type Finding } from '../harness/findings.ts'
import { numbered, openLab, survivalFindings, type Lab } from '../harness/lab.ts'
import { MemoryWatch } from '../harness/memory-watch.ts'
import { publishLatencies, quantile } from '../harness/latency.ts'
import { inTurn } from '../harness/publisher.ts'
import type { Arrival } from '../harness/receiver-messages.ts'
import { uuidOfEndpoint } from '../harness/stored.ts'
import type { Tenant } from '../harness/tenant.ts'
import type { Experiment } from '../harness/trial.ts'

const backlogMax = 200_000
const tenantsMax = 4
const endpointsEach = 10
const eventsPerRequest = 250
const steady = numbered(10)
const claimRuns = 100
const slackMs = 2
const growthMegabytesMax = 50

/** A backlog, published while nobody delivers, is delivered while publishing goes on. */
export const backlog: Experiment = {
  id: 'R19',
  title: 'a backlog of 200,000 deliveries is drained while 100 events a second are published',
  run: async (trial) => {
    await using lab = await openLab(trial, { roles: ['api', 'worker'], script: quickly })
    const [worker] = lab.workers
    if (!worker) throw new Error('There is no worker.')
    const event = inTurn(await lab.addTenant({ endpoints: steady }))
    const { publishSteadily } = lab.publisher
    const perSecond = trial.rate(100)
    const calm = await lab.baseline({ perSecond, forMs: trial.scaled(10_000), event })
    worker.send('SIGTERM')
    await worker.ended
    const tenants = await addTenants(lab)
    await pile(lab, tenants, 1_000)
    const before = await measureClaims(lab, tenants)
    await pile(lab, tenants, trial.scaled(backlogMax))
    const after = await measureClaims(lab, tenants)
    await worker.start()
    const stop = new AbortController()
    const publishing = publishSteadily({ perSecond, until: stop.signal, event })
    const waiting = 1_000 + trial.scaled(backlogMax)
    const drain = await watchDrain(lab, new MemoryWatch(worker), waiting)
    stop.abort()
    const faulty = await publishing
    const verdict = await lab.settle(120_000)
    const latencies = { calm: publishLatencies(calm), faulty: publishLatencies(faulty) }
    return [
      ...verdictFindings(verdict),
      ...survivalFindings(lab),
      ...ratioFindings('publish', latencies, 2),
      atMost('page ms p99', after.pageMs, Math.max(2 * before.pageMs, before.pageMs + slackMs)),
      atMost('sweep ms p99', after.sweepMs, Math.max(2 * before.sweepMs, before.sweepMs + slackMs)),
      ...drain,
    ]
  },
}

const quickly = { status: 200, afterMs: 0 }

function addTenants(lab: Lab): Promise<Tenant[]> {
  return Promise.all(
    numbered(tenantsMax).map((index) => {
      return lab.addTenant({ endpoints: numbered(endpointsEach, 100 * (index + 1)) })
    }),
  )
}

/** So many deliveries, shared out evenly. */
async function pile({ publisher }: Lab, tenants: readonly Tenant[], count: number): Promise<void> {
  let events = Math.ceil(count / endpointsEach)
  const pileOn = async (tenant: Tenant) => {
    while (events > 0) {
      const plans = Array.from({ length: Math.min(eventsPerRequest, events) }, () => {
        return { tenant, to: 'all' } as const
      })
      events -= plans.length
      await publisher.publishBatch(plans)
    }
  }
  await Promise.all(tenants.map(pileOn))
}

/** The program's own statements: a page of every lane, and the sweep for lanes with work. */
async function measureClaims({ postgres }: Lab, tenants: readonly Tenant[]) {
  const pool = new Pool({ connectionString: postgres.url, max: 1 })
  const wishes = tenants.flatMap(({ workspaceId, endpointIds }) => {
    return endpointIds.map((id) => ({
      endpointId: uuidOfEndpoint(id),
      workspaceId: uuidOf('ws', workspaceId) ?? '',
      after: dueStart,
      rowsMax: 64,
      payloadBytesMax: 2 ** 20,
    }))
  })
  const [one] = wishes
  const pages: number[] = []
  const sweeps: number[] = []
  for (let run = 0; run < claimRuns; run += 1) {
    const until = new Date()
    pages.push(await timed(() => loadDue(pool, one ? [one] : [], until)))
    sweeps.push(
      await timed(() => findDueEndpoints(pool, { until, after: beforeAllIds, limit: 1_000 })),
    )
  }
  await pool.end()
  return { pageMs: quantile(pages, 0.99), sweepMs: quantile(sweeps, 0.99) }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** From the worker's start until all have arrived. */
async function watchDrain(lab: Lab, memory: MemoryWatch, waiting: number): Promise<Finding[]> {
  const { postgres, receivers } = lab
  const piled = () => receivers.arrivals.filter(({ endpoint }) => endpoint >= 100)
  const arrived = async (share: number) => {
    while (piled().length < waiting * share) await pause(100)
  }
  await arrived(0.2)
  await memory.look()
  const scansBefore = await countScans(lab)
  await arrived(0.98)
  const scansAfter = await countScans(lab)
  await memory.look()
  const arrivals = piled()
  const [early, late] = [rateOf(arrivals, 0.05, 0.3), rateOf(arrivals, 0.65, 0.9)]
  const [dead] = await postgres.query<{ count: number }>(
    "select n_dead_tup::int as count from pg_stat_user_tables where relname = 'due'",
  )
  return [
    atLeast('drain rate at the end over the start', late / early, 0.8),
    noted('drained a second', early),
    exactly('sequential scans of due', scansAfter - scansBefore, 0),
    ...memory.findings(growthMegabytesMax),
    noted('dead rows in due', dead?.count ?? 0),
  ]
}

async function countScans({ postgres }: Lab): Promise<number> {
  const [row] = await postgres.query<{ count: number }>(
    "select seq_scan::int as count from pg_stat_user_tables where relname = 'due'",
  )
  return row?.count ?? 0
}

/** Arrivals a second between two shares of them all. */
function rateOf(arrivals: readonly Arrival[], from: number, until: number): number {
  const times = arrivals.map(({ arrivedMs }) => arrivedMs).sort((a, b) => a - b)
  const first = Math.floor(times.length * from)
  const last = Math.floor(times.length * until)
  return ((last - first) / ((times[last] ?? 0) - (times[first] ?? 0))) * 1000
}
