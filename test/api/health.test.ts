import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { healthRoutes } from '../../src/api/health.ts'
import { type Database, openDatabase } from '../../src/db.ts'
import { followDatabaseClock } from '../../src/clock.ts'
import { createLog } from '../../src/log.ts'
import { readFeedFence } from '../../src/store/feed-fence.ts'
import { createTelemetry } from '../../src/telemetry.ts'
import { freshDatabase } from '../support/database.ts'
import { startPlatform } from '../support/platform.ts'
import { serveRoutes } from '../support/served.ts'
import { type MovableClock, movableClock } from '../support/time.ts'

type Health = AsyncDisposable & {
  readonly url: string
  readonly database: Database
  readonly clock: MovableClock
  readonly state: { isDraining: boolean; skewMs: number }
  readonly get: (path: string) => Promise<{ status: number; text: string }>
}

async function openHealth(databaseUrl?: string): Promise<Health> {
  await using resources = new AsyncDisposableStack()
  const url = databaseUrl ?? resources.use(await freshDatabase()).url
  const database = resources.use(await openDatabase(url))
  const clock = movableClock()
  const state = { isDraining: false, skewMs: 0 }
  const routes = healthRoutes({
    pool: database.pool,
    telemetry: createTelemetry(),
    log: { warn: () => {} },
    isDraining: () => state.isDraining,
    inFlight: () => 7,
    clock,
    queueProblem: () => null,
    skewMs: () => state.skewMs,
  })
  const server = resources.use(await serveRoutes(routes))
  const kept = resources.move()
  return {
    url,
    database,
    clock,
    state,
    get: async (path) => {
      const answer = await fetch(server.url + path)
      return { status: answer.status, text: await answer.text() }
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

const nowhere = 'postgres://nobody@127.0.0.1:1/none'

test('a process with its database is ready', async () => {
  await using health = await openHealth()
  const ready = await health.get('/readyz')
  expect(ready).toEqual({ status: 200, text: '{"status":"ready","problems":[]}' })
})

test('a process without its database is live and unready', async () => {
  await using health = await openHealth(nowhere)
  expect((await health.get('/livez')).status).toBe(200)
  const { status, text } = await health.get('/readyz')
  expect(status).toBe(503)
  expect(text).toContain('The database cannot be asked: ECONNREFUSED.')
})

test('a process that drains is unready', async () => {
  await using health = await openHealth()
  health.state.isDraining = true
  const { status, text } = await health.get('/readyz')
  expect([status, text]).toEqual([503, expect.stringContaining('This process is stopping.')])
})

test('a database without the newest migration makes it unready', async () => {
  await using health = await openHealth()
  await health.database.pool.query(`delete from migration where name like '0003%'`)
  const { status, text } = await health.get('/readyz')
  expect([status, text]).toEqual([503, expect.stringContaining('lacks migrations: 0003-')])
})

test('a silent database makes it unready in time', async () => {
  await using health = await openHealth()
  const { pool } = health.database
  const blocker = await pool.connect()
  try {
    await blocker.query('begin; lock table migration in access exclusive mode')
    const { status, text } = await health.get('/readyz')
    expect([status, text]).toEqual([503, expect.stringContaining('did not answer within 2000 ms')])
  } finally {
    await blocker.query('rollback')
    blocker.release()
  }
})

test('metrics tell how many deliveries wait', async () => {
  await using health = await openHealth()
  await health.database.pool.query(
    `insert into due (endpoint_id, due_at, delivery_id, workspace_id, event_id,
       attempt_count, failures, attempt_trigger)
     select gen_random_uuid(), now(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
       0, 0, 'SCHEDULED' from generate_series(1, 3)`,
  )
  const { text } = await health.get('/metrics')
  expect(text).toMatch(/^postrider_due_deliveries 3$/m)
  expect(text).toMatch(/^postrider_requests_in_flight 7$/m)
})

test('metrics are silent about a database that cannot be asked', async () => {
  await using health = await openHealth(nowhere)
  const { status, text } = await health.get('/metrics')
  expect(status).toBe(200)
  expect(text).not.toMatch(/^postrider_due_deliveries /m)
})

test('a queue that does not answer makes a worker unready', async () => {
  const clock = movableClock()
  await using platform = await startPlatform({ clock })
  const { pool } = platform.bundle.database
  const ready = () => platform.client.fetch('/readyz')
  expect((await ready()).status).toBe(200)
  await pool.query('alter table pgboss.job rename to away')
  clock.advance(300)
  await expect.poll(async () => (await ready()).status, { timeout: 15_000 }).toBe(503)
  expect((await ready()).text).toMatch(/The queue is not running: no lane .* for 3\d\d s\./)
  await pool.query('alter table pgboss.away rename to job')
  await expect.poll(async () => (await ready()).status, { timeout: 15_000 }).toBe(200)
})

test('a database with another time makes a process unready', async () => {
  await using health = await openHealth()
  const { pool } = health.database
  await pool.query(`create function public.clock_timestamp() returns timestamptz
    language sql return pg_catalog.now() + interval '45 s'`)
  const { rows } = await pool.query('select current_database() as name')
  await pool.query(`alter database ${rows[0].name} set search_path = public, pg_catalog`)
  await using elsewhere = await openDatabase(health.url)
  await using clock = await followDatabaseClock(elsewhere.pool, createLog('silent'))
  health.state.skewMs = clock.skewMs()
  const { status, text } = await health.get('/readyz')
  expect([status, text]).toEqual([503, expect.stringMatching(/differ by 4[45] s; have both/)])
})

test('the lag of the feed grows while a transaction holds it', async () => {
  await using health = await openHealth()
  const lag = async () => {
    const { text } = await health.get('/metrics')
    return Number(/^postrider_feed_lag_seconds (.+)$/m.exec(text)?.[1])
  }
  const writer = await health.database.pool.connect()
  try {
    await writer.query('begin')
    const { rows } = await writer.query('select pg_current_xact_id()::text as fence')
    await health.database.pool.query('select pg_current_xact_id()') // committed, and not seen
    // Whoever else writes in this server, and began before, holds it first.
    while ((await readFeedFence(health.database.pool))?.fence !== rows[0].fence);
    await lag()
    health.clock.advance(120)
    expect(await lag()).toBeGreaterThanOrEqual(120)
  } finally {
    await writer.query('rollback')
    writer.release()
  }
})

test('the documents name every metric', async () => {
  const rows = readFileSync('docs/operating.md', 'utf8').matchAll(
    /^\| `(postrider_\w+)` *\| (\w+) *\| ([^|]*?) *\|/gm,
  )
  const told = [...rows].map(([, name, type, labels = '']) => {
    return { name, type, labels: [...labels.matchAll(/\w+/g)].map(([label]) => label) }
  })
  const { registry } = createTelemetry()
  const own = (await registry.getMetricsAsJSON()).filter(({ name }) => {
    return !/^(nodejs|process)_/.test(name)
  })
  const labelsOf = (name: string): string[] => {
    const metric = registry.getSingleMetric(name)
    return metric ? Reflect.get(metric, 'labelNames') : []
  }
  const made = own.map(({ name, type }) => ({ name, type, labels: labelsOf(name) }))
  expect(new Set(told)).toEqual(new Set(made))
})
