import { expect, test } from 'vitest'
import { healthRoutes } from '../../src/api/health.ts'
import { type Database, openDatabase } from '../../src/db.ts'
import { createTelemetry } from '../../src/telemetry.ts'
import { freshDatabase } from '../support/database.ts'
import { serveRoutes } from '../support/served.ts'

type Health = AsyncDisposable & {
  readonly database: Database
  readonly state: { isDraining: boolean }
  readonly get: (path: string) => Promise<{ status: number; text: string }>
}

async function openHealth(databaseUrl?: string): Promise<Health> {
  await using resources = new AsyncDisposableStack()
  const url = databaseUrl ?? resources.use(await freshDatabase()).url
  const database = resources.use(await openDatabase(url))
  const state = { isDraining: false }
  const routes = healthRoutes({
    pool: database.pool,
    telemetry: createTelemetry(),
    log: { warn: () => {} },
    isDraining: () => state.isDraining,
    inFlight: () => 7,
  })
  const server = resources.use(await serveRoutes(routes))
  const kept = resources.move()
  return {
    database,
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
