import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { cancelDelivery, retryDelivery } from '../../src/control/deliveries.ts'
import { type Database, inTransaction, openDatabase, type Pool } from '../../src/db.ts'
import { createLog } from '../../src/log.ts'
import { createRecorder, type Record } from '../../src/pipeline/record.ts'
import type { Settled } from '../../src/pipeline/stages.ts'
import { unknownHealth } from '../../src/rules/circuit.ts'
import { newUuid } from '../../src/rules/id.ts'
import { lockDelivery, requeueDelivery } from '../../src/store/delivery-change.ts'
import { cancelDue, dueStart, type DueDelivery, loadDue } from '../../src/store/due.ts'
import type { DeliveryRow } from '../../src/store/publication.ts'
import { createTelemetry } from '../../src/telemetry.ts'
import { untilBlocked } from '../support/blocked.ts'
import { openWay } from '../support/cuttable.ts'
import { type FreshDatabase, freshDatabase } from '../support/database.ts'
import { logRows } from '../support/log-rows.ts'
import { newTell } from '../support/tell.ts'

let resources: AsyncDisposableStack
let fresh: FreshDatabase
let database: Database
let rows: ReturnType<typeof logRows>
let workspaceId: string
let endpointId: string
let record: Record

beforeEach(async () => {
  resources = new AsyncDisposableStack()
  fresh = resources.use(await freshDatabase())
  database = resources.use(await openDatabase(fresh.url))
  rows = logRows(database)
  workspaceId = await rows.addWorkspace()
  endpointId = await rows.addEndpoint(workspaceId)
  record = recorderOn(database.pool)
})

afterEach(() => resources.disposeAsync())

test('a result that comes twice counts once', async () => {
  const due = await load(await publish())
  const [first, second] = [failed(due), succeeded(due)]
  expect(await record(first)).toEqual({ counted: true, nextAttemptAt: first.nextAttemptAt })
  expect(await record(second)).toEqual({ counted: false })
  expect(await stateOf(due)).toMatchObject({ status: 'RETRYING', attempts: 1, due: 1 })
})

test("a zombie's late result leaves the endpoint's health alone", async () => {
  const due = await load(await publish())
  await record(succeeded(due))
  const health = { ...unknownHealth, consecutiveFailures: 50, failingSince: new Date() }
  await record({ ...failed(due), health: { ...health, circuit: 'OPEN', parkedUntil: new Date() } })
  expect(await healthOf()).toMatchObject({ circuit: 'CLOSED', consecutive_failures: 0 })
})

test('of two healths the later one holds, whichever is stored last', async () => {
  const [one, other] = [await load(await publish()), await load(await publish())]
  const newer = { ...unknownHealth, consecutiveFailures: 2, failingSince: new Date() }
  const older = { ...unknownHealth, consecutiveFailures: 1, failingSince: new Date() }
  const now = new Date()
  await record({ ...failed(one), health: newer, settledAt: now })
  await record({ ...failed(other), health: older, settledAt: new Date(now.getTime() - 5) })
  expect(await healthOf()).toMatchObject({ consecutive_failures: 2 })
})

test('a result that its lane awaits does not wait for others', async () => {
  const [one, other] = [await load(await publish()), await load(await publish())]
  const rival = await database.pool.connect()
  await rival.query('begin')
  await lockDelivery(rival, keyOf(one))
  const held = record(succeeded(one))
  await untilBlocked(database.pool, 'recordResults')
  const awaited = await record({ ...succeeded(other), health: null }, true)
  await rival.query('rollback')
  rival.release()
  expect([awaited, await held].map(({ counted }) => counted)).toEqual([true, true])
})

test('results lock their deliveries in the order of their ids', async () => {
  const [one, other] = [await load(await publish()), await load(await publish())]
  const rival = await database.pool.connect()
  await rival.query('begin')
  await lockDelivery(rival, keyOf(one))
  const errorLogged = vi.fn()
  const inOrder = recorderOn(database.pool, errorLogged)
  const held = [succeeded(other), succeeded(one)].map((settled) => inOrder(settled))
  await untilBlocked(database.pool, 'recordResults')
  await lockDelivery(rival, keyOf(other))
  await rival.query('commit')
  rival.release()
  expect((await Promise.all(held)).map(({ counted }) => counted)).toEqual([true, true])
  expect(errorLogged).not.toHaveBeenCalled()
})

test('canceling what waits locks in the order of ids', async () => {
  const [one, other] = [await load(await publish()), await load(await publish())]
  await record({ ...failed(one), nextDueAt: new Date(Date.now() + 9_000) })
  const rival = await database.pool.connect()
  await rival.query('begin')
  await lockDelivery(rival, keyOf(one))
  const wish = { endpointId, workspaceId, changeId: newUuid(Date.now()), at: new Date(), limit: 9 }
  const canceling = cancelDue(database.pool, wish)
  await untilBlocked(database.pool, 'cancelDue')
  await lockDelivery(rival, keyOf(other))
  await rival.query('commit')
  rival.release()
  expect(await canceling).toBe(2)
})

test('an attempt that ends after a cancel is logged (D5)', async () => {
  const due = await load(await publish())
  await cancelDelivery(ports(), keyOf(due))
  expect(await record(succeeded(due))).toEqual({ counted: true, nextAttemptAt: null })
  expect(await stateOf(due)).toMatchObject({ status: 'CANCELED', attempts: 1, due: 0 })
})

test('a retry by a person outlives the failure in flight (D6)', async () => {
  const due = await load(await publish())
  await record(failed(due))
  const again = await load(due)
  await retryDelivery(ports(), keyOf(due))
  const last: Settled = { ...failed(again), ...{ status: 'FAILED', nextAttemptAt: null } }
  const recorded = await record({ ...last, nextDueAt: null })
  expect(recorded).toEqual({ counted: true, nextAttemptAt: expect.any(Date) })
  const third = await load(due)
  expect(third).toMatchObject({ attemptTrigger: 'MANUAL', failures: 0, attemptCount: 2 })
  expect(await stateOf(due)).toMatchObject({ status: 'RETRYING', completed_at: null, due: 1 })
})

test('a success in flight ends a delivery that a person retried', async () => {
  const due = await load(await publish())
  await record(failed(due))
  const again = await load(due)
  await retryDelivery(ports(), keyOf(due))
  expect(await record(succeeded(again))).toEqual({ counted: true, nextAttemptAt: null })
  expect(await stateOf(due)).toMatchObject({ status: 'SUCCEEDED', attempts: 2, due: 0 })
})

test('a retried delivery of an ordered endpoint keeps its place', async () => {
  await database.pool.query('update endpoint set ordered = true')
  const due = await load(await publish())
  const held = { ...failed(due), nextDueAt: due.dueAt }
  await record(held)
  const again = await load(due)
  await retryDelivery(ports(), keyOf(due))
  await record({ ...failed(again), nextDueAt: due.dueAt })
  expect(await load(due)).toMatchObject({ dueAt: due.dueAt, attemptTrigger: 'MANUAL' })
})

test('work that no result can end is set right', async () => {
  const due = await load(await publish())
  await cancelDelivery(ports(), keyOf(due))
  // Retried in a transaction that commits while the result waits for it: of the row in `due`
  // that this adds, the recording statement knows nothing.
  const committed = Promise.withResolvers<void>()
  const retrying = inTransaction(database.pool, async (client) => {
    const delivery = await lockDelivery(client, keyOf(due))
    if (!delivery) throw new Error('There is no delivery.')
    const change = { delivery, status: 'PENDING', changeId: newUuid(Date.now()) } as const
    await requeueDelivery(client, { ...change, at: new Date(Date.now() + 500) })
    await committed.promise
  })
  const recording = record(succeeded(due))
  await untilBlocked(database.pool, 'recordResults')
  committed.resolve()
  await retrying
  await recording
  expect(await stateOf(due)).toMatchObject({ status: 'SUCCEEDED', due: 1 })
  const left = await load(due)
  expect(await record(succeeded(left))).toEqual({ counted: false })
  expect(await stateOf(due)).toMatchObject({ status: 'SUCCEEDED', attempts: 1, due: 0 })
})

test('a result the database refuses keeps no other from being stored', async () => {
  const [odd, plain] = [await load(await publish()), await load(await publish())]
  const answer = { statusCode: 500, body: Buffer.alloc(0), bodyTruncated: false }
  const outcome = { ...failed(odd).outcome, answer: { ...answer, headers: [['x', '\0']] as const } }
  const both = await Promise.all([record({ ...failed(odd), outcome }), record(succeeded(plain))])
  expect(both).toMatchObject([{ counted: true }, { counted: true, nextAttemptAt: null }])
  expect(await stateOf(odd)).toMatchObject({ status: 'RETRYING', attempts: 1, due: 1 })
})

test('a database that is away is waited for', async () => {
  await using way = await openWay(fresh.url)
  await using far = await openDatabase(way.url)
  const due = await load(await publish())
  await way.cut()
  const failing = Promise.withResolvers<void>()
  const recording = recorderOn(far.pool, () => failing.resolve())(succeeded(due))
  await failing.promise
  await way.mend()
  expect(await recording).toEqual({ counted: true, nextAttemptAt: null })
  expect(await stateOf(due)).toMatchObject({ status: 'SUCCEEDED', attempts: 1, due: 0 })
})

function recorderOn(pool: Pool, errorLogged: () => void = () => {}): Record {
  const log = createLog('silent')
  log.error = errorLogged
  const telemetry = createTelemetry()
  const tell = newTell(pool, systemClock)
  return createRecorder({ pool, tell, log, telemetry, clock: systemClock, changed: () => {} })
}

async function publish(): Promise<DeliveryRow> {
  const [delivery] = await rows.publish({ workspaceId, endpointIds: [endpointId] })
  if (!delivery) throw new Error('Nothing was published.')
  return delivery
}

async function load({ deliveryId }: { deliveryId: string }): Promise<DueDelivery> {
  const wish = { endpointId, workspaceId, after: dueStart, rowsMax: 10 }
  const page = await loadDue(database.pool, [wish], new Date(Date.now() + 1e9))
  const due = page.find((row) => row.deliveryId === deliveryId)
  if (!due) throw new Error('It does not wait.')
  const event = { eventId: due.eventId, eventType: '', payloadText: null, traceparent: null }
  return { ...due, event }
}

function succeeded(due: DueDelivery): Settled {
  const outcome = { result: 'SUCCEEDED', errorMessage: null, durationMs: 1, answer: null } as const
  return {
    ...{ due, number: due.attemptCount + 1, url: 'https://example.com/', requestHeaders: '' },
    ...{ startedAt: new Date(), outcome, status: 'SUCCEEDED', failures: 0 },
    ...{ nextAttemptAt: null, nextDueAt: null, health: unknownHealth, recoveredFrom: null },
    settledAt: new Date(),
  }
}

function failed(due: DueDelivery): Settled {
  const next = new Date(Date.now() + 5_000)
  const outcome = { ...succeeded(due).outcome, result: 'HTTP_ERROR' } as const
  const health = { ...unknownHealth, consecutiveFailures: 1, failingSince: new Date() }
  const state = { status: 'RETRYING', failures: due.failures + 1, health } as const
  return { ...succeeded(due), ...state, outcome, nextAttemptAt: next, nextDueAt: next }
}

function ports() {
  const wake = { lanes: async () => {}, endpointChanged: () => {} }
  return { clock: systemClock, database, hub: { changed: () => {} }, wake }
}

function keyOf({ deliveryId }: DueDelivery) {
  return { workspaceId, id: deliveryId }
}

async function stateOf({ deliveryId }: DueDelivery) {
  const { rows } = await database.pool.query(
    `select status, completed_at,
      (select count(*)::int from attempt where delivery_id = delivery.id) as attempts,
      (select count(*)::int from due where delivery_id = delivery.id) as due
     from delivery where id = $1`,
    [deliveryId],
  )
  return rows[0]
}

async function healthOf() {
  const { rows } = await database.pool.query('select * from endpoint_health')
  return rows[0]
}
