import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/db.ts'
import { partitionsAheadDays } from '../../src/limits.ts'
import { createLog } from '../../src/log.ts'
import { retain } from '../../src/maintenance/retention.ts'
import { dayOf, readPartitions } from '../../src/store/partition.ts'
import { untilBlocked } from '../support/blocked.ts'
import { freshDatabase } from '../support/database.ts'
import { logRows } from '../support/log-rows.ts'

let resources: AsyncDisposableStack
let database: Database
let rows: ReturnType<typeof logRows>

beforeEach(async () => {
  resources = new AsyncDisposableStack()
  const fresh = resources.use(await freshDatabase())
  database = resources.use(await openDatabase(fresh.url))
  rows = logRows(database)
})

afterEach(() => resources.disposeAsync())

const dayMs = 86_400_000
const today = new Date()
const inDays = (days: number) => new Date(today.getTime() + days * dayMs)

/** One round of retention, as it would be that many days from now. */
async function retainIn(days: number): Promise<void> {
  const { pool } = database
  const clock = { now: () => inDays(days) }
  await retain({ pool, clock, log: createLog('silent'), retentionDays: 30 })
}

async function daysOf(table: string): Promise<string[]> {
  const all = await readPartitions(database.pool)
  return all.filter((partition) => partition.table === table).map(({ day }) => day)
}

const logTables = ['event', 'delivery', 'attempt', 'change']

test.each(logTables)('%s has partitions for the days to come', async (table) => {
  // Migrated before midnight, it has one of the day before as well.
  const made = await daysOf(table)
  await retainIn(3)
  const wanted = Array.from({ length: 3 + partitionsAheadDays + 1 }, (_, n) => dayOf(inDays(n)))
  expect(await daysOf(table)).toEqual([...new Set([...made, ...wanted])].toSorted())
})

test('days past retention are dropped, with all that was in them', async () => {
  const workspaceId = await rows.addWorkspace()
  const endpointIds = [await rows.addEndpoint(workspaceId)]
  const [old] = await rows.publish({ workspaceId, endpointIds, at: today, idempotencyKey: 'k' })
  if (old) await rows.attempt(old, { result: 'SUCCEEDED', statusCode: 200, startedAt: today })
  await retainIn(30)
  expect(await countRows()).toEqual([1, 1, 1, 2])
  await retainIn(31)
  expect(await countRows()).toEqual([0, 0, 0, 0])
  expect(await daysOf('event')).not.toContain(dayOf(today))
  expect(await daysOf('event')).toContain(dayOf(inDays(1)))
})

test('rows that found no partition are kept as long as others', async () => {
  const workspaceId = await rows.addWorkspace()
  const endpointIds = [await rows.addEndpoint(workspaceId)]
  const [old] = await rows.publish({ workspaceId, endpointIds, at: inDays(-3) })
  if (old) await rows.attempt(old, { result: 'SUCCEEDED', startedAt: inDays(-3) })
  await retainIn(27)
  expect(await countRows()).toEqual([1, 1, 1, 2])
  await retainIn(28)
  expect(await countRows()).toEqual([0, 0, 0, 0])
})

test('a day whose work is still to come is kept', async () => {
  const workspaceId = await rows.addWorkspace()
  const endpointIds = [await rows.addEndpoint(workspaceId)]
  await rows.publish({ workspaceId, endpointIds, at: today })
  await database.pool.query('update due set due_at = $1', [inDays(35)])
  await retainIn(34)
  expect((await countRows())[1]).toBe(1)
  await retainIn(66)
  expect((await countRows())[1]).toBe(0)
})

test('a day with stray rows does not keep the next from its partition', async () => {
  const workspaceId = await rows.addWorkspace()
  const endpointIds = [await rows.addEndpoint(workspaceId)]
  await rows.publish({ workspaceId, endpointIds, at: inDays(20) })
  await retainIn(20)
  const days = await daysOf('event')
  expect(days).not.toContain(dayOf(inDays(20)))
  expect(days).toContain(dayOf(inDays(21)))
})

test('making the partitions of a day refuses nobody who writes', async () => {
  const { pool } = database
  const writer = await pool.connect()
  await writer.query('begin; lock table delivery in row exclusive mode')
  const retaining = retainIn(1)
  await untilBlocked(pool, 'createPartition')

  await writer.query('lock table event in row exclusive mode')

  await writer.query('commit')
  writer.release()
  await retaining
  for (const table of logTables) {
    expect(await daysOf(table)).toContain(dayOf(inDays(1 + partitionsAheadDays)))
  }
})

test('two processes at once do the work of one', async () => {
  await Promise.all([retainIn(40), retainIn(40), retainIn(40)])
  expect(await daysOf('change')).toEqual(
    Array.from({ length: partitionsAheadDays + 1 }, (_, n) => dayOf(inDays(40 + n))),
  )
})

async function countRows(): Promise<number[]> {
  const counts = logTables.map((table) => `(select count(*)::int from ${table})`)
  const { rows } = await database.pool.query<{ counts: number[] }>(
    `select array[${counts.join()}] as counts`,
  )
  return rows[0]?.counts ?? []
}

test('keys that make no requests are counted no longer', async () => {
  const { pool } = database
  await pool.query(
    `insert into api_request_count (key_id, minute, used)
     values (gen_random_uuid(), $1, 1), (gen_random_uuid(), $2, 2)`,
    [inDays(39).toISOString(), inDays(41).toISOString()],
  )
  await retainIn(41)
  const { rows: left } = await pool.query('select used from api_request_count')
  expect(left).toEqual([{ used: 2 }])
})
