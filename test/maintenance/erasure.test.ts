import { afterEach, beforeEach, expect, test } from 'vitest'
import { inTransaction, openDatabase } from '../../src/db.ts'
import { eraseLastMs } from '../../src/limits/forgetting.ts'
import { createLog } from '../../src/log.ts'
import { eraseDeleted } from '../../src/maintenance/erasure.ts'
import { uuidOf } from '../../src/rules/id.ts'
import { takeErasure } from '../../src/store/erasure.ts'
import { untilBlocked } from '../support/blocked.ts'
import type { Bundle } from '../support/bundle.ts'
import { openBundle } from '../support/bundle.ts'
import { addEndpoint } from '../support/endpoints.ts'
import { logRows } from '../support/log-rows.ts'

let bundle: Bundle

beforeEach(async () => {
  bundle = await openBundle()
  await bundle.operator.mutate('eventTypeCreate', { name: 'invoice.paid' })
})

afterEach(() => bundle[Symbol.asyncDispose]())

/** A workspace with something in every table. */
async function filled(): Promise<{ id: string; uuid: string }> {
  const { workspaceId: id, client } = await bundle.newTenant({ name: 'Jane Doe Ltd' })
  const { id: endpointId } = await addEndpoint(client, { description: 'of Jane' })
  const { id: gone } = await addEndpoint(client)
  await client.mutate('endpointDelete', { id: gone })
  const event = { eventType: 'invoice.paid', payloadText: '{"name":"Jane"}' }
  await client.mutate('eventPublish', { ...event, idempotencyKey: 'k' })
  const uuid = uuidOf('ws', id) ?? ''
  const rows = logRows(bundle.database)
  const endpointIds = [uuidOf('wh', endpointId) ?? '']
  const [row] = await rows.publish({ workspaceId: uuid, endpointIds })
  if (row) await rows.attempt(row, { result: 'HTTP_ERROR', statusCode: 500 })
  const createdAt = { since: new Date(Date.now() - 60_000) }
  await client.mutate('deliveriesReplay', { endpointId, createdAt, statuses: ['FAILED'] })
  await bundle.database.pool.query(
    `insert into endpoint_health (endpoint_id, workspace_id, consecutive_failures, circuit)
     select id, workspace_id, 0, 'CLOSED' from endpoint where workspace_id = $1
     on conflict do nothing`,
    [uuid],
  )
  return { id, uuid }
}

/** How many rows of a workspace each table has; those with none are left out. */
async function countsOf(uuid: string): Promise<Record<string, number>> {
  const { pool } = bundle.database
  const { rows: tables } = await pool.query<{ name: string; key: string }>(
    `select relname as name, attname as key
     from pg_class join pg_attribute on attrelid = pg_class.oid
     where relnamespace = 'public'::regnamespace and not relispartition and relkind in ('r', 'p')
       and (attname = 'workspace_id' or (relname = 'workspace' and attname = 'id'))`,
  )
  const counts: Record<string, number> = {}
  for (const { name, key } of tables) {
    const { rows } = await pool.query(`select from ${name} where ${key} = $1`, [uuid])
    if (rows.length > 0) counts[name] = rows.length
  }
  return counts
}

async function round(laterMs = eraseLastMs + 1_000, { pool } = bundle.database): Promise<void> {
  const clock = { now: () => new Date(Date.now() + laterMs) }
  const context = { pool, clock, log: createLog('silent'), isStopping: () => false }
  await eraseDeleted(context)
}

test('nothing of a deleted workspace is left but its audit log', async () => {
  const { id, uuid } = await filled()
  const others = await filled()
  const before = await countsOf(others.uuid)
  expect(Object.keys(await countsOf(uuid)).sort()).toEqual(everyTable)

  await bundle.operator.mutate('workspaceDelete', { id })
  await round()

  expect(Object.keys(await countsOf(uuid))).toEqual(['audit_entry'])
  expect(await countsOf(others.uuid)).toEqual(before)
})

/** A new table of tenants is added here, to `filled`, and to what is erased. */
const everyTable = [
  ...['api_key', 'attempt', 'audit_entry', 'change', 'delivery', 'due', 'endpoint'],
  ...['endpoint_health', 'endpoint_secret', 'event', 'idempotency_key', 'replay', 'workspace'],
]

test('of the audit log what people wrote is emptied', async () => {
  const { id, uuid } = await filled()
  await bundle.operator.mutate('workspaceDelete', { id })
  await round()

  const { rows } = await bundle.database.pool.query(
    'select * from audit_entry where workspace_id = $1 order by id',
    [uuid],
  )
  expect(rows.map(({ action }) => action)).toContain('ENDPOINT_CREATED')
  expect(rows.at(-1)).toMatchObject({ action: 'WORKSPACE_DELETED', actor: 'OPERATOR' })
  const written = rows.map(({ before, after, api_key_name: name }) => [before, after, name])
  expect(new Set(written.flat())).toEqual(new Set([null]))
  const again = await bundle.operator.mutate('workspaceDelete', { id }, 'deletedWorkspaceId')
  expect(again.deletedWorkspaceId).toBe(id)
})

test('the workspace goes when what had begun must have ended', async () => {
  const { id, uuid } = await filled()
  await bundle.operator.mutate('workspaceDelete', { id })

  await round(0)

  const left = ['audit_entry', 'endpoint', 'endpoint_health', 'replay', 'workspace']
  expect(Object.keys(await countsOf(uuid)).sort()).toEqual(left)
})

test('a delivery that somebody has in hand is erased later', async () => {
  const { id, uuid } = await filled()
  await bundle.operator.mutate('workspaceDelete', { id })

  await inTransaction(bundle.database.pool, async (client) => {
    await client.query('select from delivery where workspace_id = $1 limit 1 for update', [uuid])
    await round()
  })
  expect(await countsOf(uuid)).toMatchObject({ delivery: 1, workspace: 1 })
  await round()

  expect(Object.keys(await countsOf(uuid))).toEqual(['audit_entry'])
})

test('processes erase one at a time', async () => {
  const { id, uuid } = await filled()

  let waiting = Promise.resolve()
  await inTransaction(bundle.database.pool, async (client) => {
    // Before there is anything to erase: the program does that too, every few seconds.
    await takeErasure(client)
    await bundle.operator.mutate('workspaceDelete', { id })
    const before = await countsOf(uuid)
    waiting = round()
    await untilBlocked(bundle.database.pool, 'advisory')
    expect(await countsOf(uuid)).toEqual(before)
  })
  await waiting
  expect(Object.keys(await countsOf(uuid))).toEqual(['audit_entry'])
})

test('what a killed process left is erased by the next', async () => {
  const { id, uuid } = await filled()
  await bundle.operator.mutate('workspaceDelete', { id })
  const { pool } = bundle.database
  // Known by its name: the program erases too, every few seconds.
  await using own = await openDatabase(`${bundle.databaseUrl}?application_name=killed`)

  let killed: Promise<unknown> = Promise.resolve()
  await inTransaction(pool, async (client) => {
    await client.query('lock table event in exclusive mode')
    killed = round(eraseLastMs + 1_000, own).catch((error: unknown) => error)
    await untilBlocked(pool, 'eraseEvents')
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'killed'`,
    )
  })
  expect(await killed).toBeInstanceOf(Error)
  expect(await countsOf(uuid)).not.toHaveProperty('delivery')
  await round()

  expect(Object.keys(await countsOf(uuid))).toEqual(['audit_entry'])
})
