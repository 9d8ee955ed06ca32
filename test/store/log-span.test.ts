import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/db.ts'
import { anyDelivery } from '../../src/store/delivery-filter.ts'
import { listDeliveries } from '../../src/store/delivery-list.ts'
import { newLogSpan } from '../../src/store/log-span.ts'
import { type Read, readsOf } from '../../src/store/reads.ts'
import { afterAllIds, beforeAllIds } from '../../src/store/slice.ts'
import { freshDatabase } from '../support/database.ts'
import { logRows } from '../support/log-rows.ts'

let resources: AsyncDisposableStack
let database: Database
let read: Read

beforeEach(async () => {
  resources = new AsyncDisposableStack()
  const { url } = resources.use(await freshDatabase())
  database = resources.use(await openDatabase(url))
  read = readsOf(database)
})

afterEach(() => resources.disposeAsync())

const bounds = { newerThan: beforeAllIds, olderThan: afterAllIds }
const all = { ...bounds, order: 'newest', limit: 10 } as const

test('a list reads day after day, the newest first', async () => {
  const days = await newLogSpan(read)()
  let plan = ''
  const explain = (async ({ text, values }: Parameters<Read>[0]) => {
    const { rows } = await database.logPool.query(`explain (generic_plan) ${text}`)
    plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    return read({ text, values })
  }) as Read
  const workspaceId = await logRows(database).addWorkspace()
  await listDeliveries(explain, { workspaceId, filter: anyDelivery }, { ...all, days })
  expect(plan).not.toMatch(/Merge Append|delivery_default|Seq Scan/)
  expect(plan.match(/on delivery_\d{8}/g)).toEqual(
    plan.match(/on delivery_\d{8}/g)?.toSorted((a, b) => (a < b ? 1 : -1)),
  )
})

test('a list is planned once for all its values', async () => {
  const days = await newLogSpan(read)()
  const workspaceId = await logRows(database).addWorkspace()
  for (const eventTypes of [['one'], ['two', 'three'], ['four']]) {
    const filter = { ...anyDelivery, eventTypes }
    await listDeliveries(read, { workspaceId, filter }, { ...all, days })
  }
  const { rows } = await database.logPool.query(
    `select generic_plans::int as generic, custom_plans::int as custom
     from pg_prepared_statements where statement like '/* listDeliveries */%'`,
  )
  expect(rows).toEqual([{ generic: 3, custom: 0 }])
})

test('what lies in no partition of a day is listed', async () => {
  const rows = logRows(database)
  const workspaceId = await rows.addWorkspace()
  const endpointIds = [await rows.addEndpoint(workspaceId)]
  const at = new Date(Date.now() - 40 * 86_400_000)
  const [old] = await rows.publish({ workspaceId, endpointIds, at })
  const days = await newLogSpan(read)()
  const selection = { workspaceId, filter: anyDelivery }
  const page = await listDeliveries(read, selection, { ...all, days })
  expect(page.rows.map((row) => row.id)).toEqual([old?.deliveryId])
})
