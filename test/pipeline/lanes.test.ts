import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { inTransaction, openDatabase } from '../../src/db.ts'
import { laneLingerMs, windowStart } from '../../src/limits.ts'
import { openQueue, type LaneClaim } from '../../src/queue.ts'
import { newUuid, uuidOf } from '../../src/rules/id.ts'
import { freshDatabase } from '../support/database.ts'
import { newGate } from '../support/gate.ts'
import { logRows } from '../support/log-rows.ts'
import { type Platform, startPlatform } from '../support/platform.ts'
import { startEngineProcess, startSecond } from '../support/processes.ts'
import { startReceiver } from '../support/receiver.ts'
import { movableClock } from '../support/time.ts'

/* Who owns a lane, and how it passes from one process to the next. */

/** Endpoints of one tenant, as rows are written for them by hand. */
async function rowsFor(platform: Platform) {
  const workspaceId = uuidOf('ws', platform.tenant.workspaceId) ?? ''
  const { rows } = await platform.bundle.database.pool.query('select id from endpoint')
  return { workspaceId, endpointIds: rows.map(({ id }) => id as string) }
}

test('work that nobody was told of is found', async () => {
  await using receiver = await startReceiver()
  await using platform = await startPlatform()
  await platform.addEndpoint(receiver.url)
  const written = { ...(await rowsFor(platform)), eventType: 'invoice.paid' }
  await logRows(platform.bundle.database).publish(written)
  await receiver.next()
})

test('a row that commits after its wake-up was used up is found', async () => {
  await using receiver = await startReceiver()
  await using platform = await startPlatform()
  const { database } = platform.bundle
  await platform.addEndpoint(receiver.url)
  const written = { ...(await rowsFor(platform)), eventType: 'invoice.paid' }
  await inTransaction(database.pool, async (client) => {
    await logRows({ pool: client as typeof database.pool }).publish(written)
    // The lane opens, reads, and finds only this one. (The feed waits for this transaction.)
    await platform.publish()
    await receiver.until(1)
  })
  const committedAt = performance.now()
  await platform.watch.untilStatus('SUCCEEDED', 2)
  // Sooner than the lane rests and closes, for then the sweep would find it.
  expect(performance.now() - committedAt).toBeLessThan(laneLingerMs)
})

test('a lane that is given up and taken again sends nothing twice', async () => {
  const gate = newGate()
  await using receiver = await startReceiver(gate.script)
  await using platform = await startPlatform()
  const { pool } = platform.bundle.database
  await platform.addEndpoint(receiver.url)
  await platform.publish()
  await receiver.until(1)
  const { rows } = await pool.query(`update pgboss.job set state = 'retry' returning id`)
  // Taken again by the same process, whose first lane still waits for an answer.
  await untilTrue(async () => {
    const taken = await pool.query(
      `select from pgboss.job where id = $1 and state = 'active' and retry_count > 0`,
      [rows[0].id],
    )
    return taken.rowCount === 1
  })
  await using other = await startReceiver()
  await platform.addEndpoint(other.url, { eventTypes: ['course.done'] })
  await platform.publish({ eventType: 'course.done' })
  await other.next()
  expect(receiver.requests).toHaveLength(1)
  gate.open(200)
  await platform.watch.untilStatus('SUCCEEDED', 3)
  expect(receiver.requests).toHaveLength(2)
})

test('of two processes that reach for a lane one gets it', async () => {
  await using resources = new AsyncDisposableStack()
  const fresh = resources.use(await freshDatabase())
  const { pool } = resources.use(await openDatabase(fresh.url))
  const openOn = async (executeSql: (text: string, values?: unknown[]) => Promise<Rows>) => {
    return resources.use(await openQueue({ executeSql }, () => {}))
  }
  const other = await openOn((text, values) => pool.query(text, values))
  let theirs: readonly LaneClaim[] = []
  // Takes the lanes in a transaction that the other one does not see: both have taken them then.
  const slow = await openOn((text, values) => {
    if (!text.includes('next AS (')) return pool.query(text, values)
    return inTransaction(pool, async (client) => {
      const taken: Rows = await client.query(text, values)
      theirs = await other.claim(9)
      return taken
    })
  })
  // A lane with two jobs: one whose owner was given up, and one that was added since.
  const endpointId = newUuid(Date.now())
  await other.wake([endpointId])
  await pool.query(`update pgboss.job set state = 'retry'`)
  await other.wake([endpointId])
  const ours = await slow.claim(1)
  expect([...ours, ...theirs].map((claim) => claim.endpointId)).toEqual([endpointId])
})

type Rows = { rows: never[] }

test('shutting down lets requests end, and nothing is sent twice', async () => {
  const gate = newGate()
  await using receiver = await startReceiver(gate.script)
  await using platform = await startPlatform({ delivers: false })
  const first = await startSecond(platform.bundle)
  await platform.addEndpoint(receiver.url, { eventTypes: ['invoice.*'] })
  await platform.publishMany(30)
  await receiver.until(8)
  const stopping = first[Symbol.asyncDispose]()
  gate.open(200)
  await stopping
  const sent = receiver.requests.length
  await platform.watch.untilStatus('SUCCEEDED', sent)
  await using second = await startSecond(platform.bundle)
  await platform.watch.untilStatus('SUCCEEDED', 30)
  expect(second.inFlight()).toBe(0)
  expect(receiver.requests).toHaveLength(30)
})

test('an ordered endpoint keeps its order from owner to owner', async () => {
  const gate = newGate()
  await using receiver = await startReceiver(gate.script)
  await using platform = await startPlatform({ delivers: false })
  const first = await startSecond(platform.bundle)
  await platform.addEndpoint(receiver.url, { ordered: true, retrySchedule: [1, 1, 1] })
  await platform.publishMany(10)
  gate.answer(200)
  gate.answer(200)
  await receiver.until(3)
  const stopping = first[Symbol.asyncDispose]()
  gate.answer(500)
  await stopping
  gate.open(200)
  await using _second = await startSecond(platform.bundle)
  await platform.watch.untilStatus('SUCCEEDED', 10)
  const bodies = receiver.requests.map(({ body }) => JSON.parse(body.toString()).n)
  expect(bodies).toEqual([0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('a process that stops while it starts comes to its end', async () => {
  await using platform = await startPlatform({ delivers: false })
  const second = await startSecond(platform.bundle)
  await second[Symbol.asyncDispose]()
})

const sealKey = randomBytes(32)
const sealed = { config: { encryptionKeys: [{ id: 'test', key: sealKey }] } }

/**
 * A platform without lanes of its own, an endpoint with work, and a child that has as many
 * requests out as it may and holds the rest in memory. They are answered when a test says so, what
 * comes after them at once.
 */
async function withChild(resources: AsyncDisposableStack) {
  const gate = newGate()
  const receiver = resources.use(await startReceiver(200))
  receiver.answer((request, index) => (index < windowStart ? gate.script(request, index) : 200))
  const platform = resources.use(await startPlatform({ delivers: false, ...sealed }))
  await platform.addEndpoint(receiver.url, { eventTypes: ['invoice.*'] })
  const { databaseUrl } = platform.bundle
  const child = resources.use(await startEngineProcess(databaseUrl, sealKey))
  await platform.publishMany(waiting)
  await receiver.until(windowStart)
  return { gate, receiver, platform, child }
}

const waiting = windowStart + 6
/** What the child sent, and all of it again by its successor. */
const sentInAll = windowStart + waiting

const takenOverMsMax = 15_000

test.concurrent('a dead owner is succeeded within 15 s', async () => {
  await using resources = new AsyncDisposableStack()
  const { receiver, platform, child } = await withChild(resources)
  resources.use(await startSecond(platform.bundle))
  const killedAt = performance.now()
  child.signal('SIGKILL')
  await receiver.until(windowStart + 1)
  expect(performance.now() - killedAt).toBeLessThan(takenOverMsMax)
  await platform.watch.untilStatus('SUCCEEDED', waiting)
  expect(receiver.requests).toHaveLength(sentInAll)
  const ids = new Set(receiver.requests.map(({ headers }) => headers['webhook-id']))
  expect(ids.size).toBe(waiting)
}, 30_000)

test.concurrent('a zombie sends nothing more, and its results change nothing', async () => {
  await using resources = new AsyncDisposableStack()
  const { gate, receiver, platform, child } = await withChild(resources)
  resources.use(await startSecond(platform.bundle))
  child.signal('SIGSTOP')
  await platform.watch.untilStatus('SUCCEEDED', waiting)
  gate.open(500) // it hears that when it wakes
  child.signal('SIGCONT')
  // Awake, it takes its part of new work.
  await using other = await startReceiver()
  await platform.addEndpoint(other.url, { eventTypes: ['course.done'] })
  for (let n = 0; n < 20; n++) await platform.publish({ eventType: 'course.done' })
  await other.until(20)
  expect(receiver.requests).toHaveLength(sentInAll)
  for (const { attempts, attemptCount } of (await platform.deliveries()).slice(0, waiting)) {
    expect(attempts).toMatchObject([{ result: 'SUCCEEDED' }])
    expect(attemptCount).toBe(1)
  }
}, 40_000)

test.concurrent('a lane that could not be given back is served again', async () => {
  await using receiver = await startReceiver([
    { status: 503, headers: { 'retry-after': '3600' } },
    200,
  ])
  const clock = movableClock()
  await using platform = await startPlatform({ clock })
  const { pool } = platform.bundle.database
  await pool.query(`
      create function refuse() returns trigger language plpgsql as $$
        begin raise exception 'not now'; end $$;
      create trigger refuse before update on pgboss.job_common
        for each row when (new.state = 'completed') execute function refuse()`)
  await platform.addEndpoint(receiver.url, { retrySchedule: [1] })
  await platform.publish()
  await receiver.until(1)
  await untilTrue(async () => {
    const { rows } = await pool.query(`select from pgboss.job where state = 'retry'`)
    return rows.length > 0
  })
  await pool.query('drop trigger refuse on pgboss.job_common')
  clock.advance(3_600)
  await platform.watch.untilStatus('SUCCEEDED')
}, 60_000)

/** Asks again and again: for what only a table shows. */
async function untilTrue(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds()));
}
