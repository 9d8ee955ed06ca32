import type { Clock } from '../clock.ts'
import { migrationNames, type Pool } from '../db.ts'
import { clockSkewWarnMs, dueCountMax, readyMsMax } from '../limits.ts'
import type { Log } from '../log.ts'
import { countDue } from '../store/due-count.ts'
import { listMigrations } from '../store/migration.ts'
import type { Telemetry } from '../telemetry.ts'
import { newFeedLag } from './feed-lag.ts'
import { type Answer, json, refusePlainly, type Route } from './http.ts'

/** What the state of a process is read from. */
export type HealthSources = {
  readonly pool: Pool
  readonly telemetry: Telemetry
  readonly log: Pick<Log, 'warn'>
  /** The process was told to stop: it ends what it has, and wants nothing new. */
  readonly isDraining: () => boolean
  /** Requests of this process to receivers that have no answer yet. */
  readonly inFlight: () => number
  readonly clock: Clock
  /** Why the queue does not run here, as a sentence; null: it does. */
  readonly queueProblem: () => string | null
  /** How far the database's clock is ahead of this machine's. */
  readonly skewMs: () => number
}

/** For those who run the process: `/livez`, `/readyz` and `/metrics`. None asks for a key. */
export function healthRoutes(sources: HealthSources): Route[] {
  const ready = shared(() => readiness(sources))
  const feedLag = newFeedLag(sources.pool, sources.clock)
  const metrics = shared(() => readMetrics(sources, feedLag))
  return [
    route('/livez', async () => json(200, { status: 'live' })),
    route('/readyz', ready),
    route('/metrics', metrics),
  ]
}

function route(path: string, answer: () => Promise<Answer>): Route {
  return { path, answer, refuse: refusePlainly }
}

/** Askers that come while an answer is being made share it: none pile up on a slow database. */
function shared(make: () => Promise<Answer>): () => Promise<Answer> {
  let running: Promise<Answer> | null = null
  return () => {
    running ??= make().finally(() => {
      running = null
    })
    return running
  }
}

/** 200 where requests may come; else 503 with every reason against it. */
async function readiness(sources: HealthSources): Promise<Answer> {
  const { pool } = sources
  const database = await within(readyMsMax, judgeDatabase(pool), slow)
  const problems = [...ownProblems(sources), ...database]
  const status = problems.length === 0 ? 'ready' : 'unready'
  return json(status === 'ready' ? 200 : 503, { status, problems })
}

/** Those that the process knows by itself. */
function ownProblems({ isDraining, queueProblem, skewMs }: HealthSources): string[] {
  const queue = queueProblem()
  const skewSeconds = Math.round(Math.abs(skewMs()) / 1000)
  const clocks =
    `The clocks of this machine and of the database differ by ${skewSeconds} s; ` +
    'have both follow a time server.'
  return [
    ...(isDraining() ? ['This process is stopping.'] : []),
    ...(queue === null ? [] : [queue]),
    ...(Math.abs(skewMs()) > clockSkewWarnMs ? [clocks] : []),
  ]
}

const slow = [`The database did not answer within ${readyMsMax} ms.`]

async function judgeDatabase(pool: Pool): Promise<string[]> {
  try {
    const done = await listMigrations(pool)
    const missing = migrationNames().filter((name) => !done.has(name))
    return missing.length === 0 ? [] : [`The database lacks migrations: ${missing.join(', ')}.`]
  } catch (error) {
    return [`The database cannot be asked: ${codeOf(error)}.`]
  }
}

/** Enough for whoever runs it to know where to look, and nothing that is nobody else's business. */
function codeOf(error: unknown): string {
  const hasCode = error instanceof Error && 'code' in error
  return hasCode ? String(error.code) : 'no connection'
}

/** Figures of the whole database are read when they are asked for; the others count as it goes. */
async function readMetrics(
  sources: HealthSources,
  feedLag: () => Promise<number>,
): Promise<Answer> {
  const { pool, telemetry, log } = sources
  const { registry, dueDeliveries, feedLagSeconds } = telemetry
  telemetry.inFlight.set(sources.inFlight())
  const read = countDue(pool, dueCountMax).catch((error: unknown) => {
    log.warn({ err: error }, 'could not count the deliveries that wait')
    return null
  })
  const looked = feedLag().catch(() => null) // the same database, and the line above says it
  const [count, lag] = await Promise.all([
    within(readyMsMax, read, null),
    within(readyMsMax, looked, null),
  ])
  if (lag === null) feedLagSeconds.remove()
  else feedLagSeconds.set(lag)
  if (count === null) dueDeliveries.remove()
  else dueDeliveries.set(count)
  const headers = { 'content-type': registry.contentType }
  return { status: 200, headers, body: await registry.metrics() }
}

/** The value, or what stands in for it where it takes too long. */
async function within<T>(ms: number, value: Promise<T>, otherwise: T): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>()
  const timer = setTimeout(resolve, ms, otherwise)
  try {
    return await Promise.race([value, promise])
  } finally {
    clearTimeout(timer)
  }
}
