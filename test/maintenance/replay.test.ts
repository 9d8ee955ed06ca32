import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { replayRestMsMax, replaySliceStart, replayTurnMsMax } from '../../src/limits/replays.ts'
import { newUuid, publicId } from '../../src/rules/id.ts'
import type { DeliveryRow } from '../../src/store/publication.ts'
import { claimReplayTurn, storeReplayTurn } from '../../src/store/replay-turn.ts'
import { type Bundle, openBundle } from '../support/bundle.ts'
import { type LogTenant, newLogTenant } from '../support/log-tenant.ts'
import { readReplay, replayedEvents, replaysOf, startReplay } from '../support/replays.ts'
import { movableClock } from '../support/time.ts'

/* How a replay works, turn by turn: nothing here delivers, and turns are taken by hand. */

const clock = movableClock()
let bundle: Bundle
let turns: ReturnType<typeof replaysOf>
let tenant: LogTenant
let endpointId: string

beforeAll(async () => {
  bundle = await openBundle({ clock })
  turns = replaysOf(bundle, clock)
  for (const name of ['invoice.paid', 'course.done']) {
    await bundle.operator.mutate('eventTypeCreate', { name })
  }
})

afterAll(() => bundle[Symbol.asyncDispose]())

beforeEach(async () => {
  await bundle.database.pool.query(`delete from replay`)
  tenant = await newLogTenant(bundle)
  endpointId = publicId('wh', tenant.endpoint)
})

const publish = (status: 'PENDING' | 'SUPPRESSED' = 'SUPPRESSED') => {
  return tenant.deliver({ status, at: clock.now() })
}

async function publishMany(count: number): Promise<DeliveryRow[]> {
  const published: DeliveryRow[] = []
  for (let n = 0; n < count; n++) published.push(await publish())
  return published
}

const fail = (delivery: DeliveryRow) => {
  return tenant.rows.attempt(delivery, { result: 'HTTP_ERROR', status: 'FAILED', statusCode: 500 })
}

const start = (input: object = { statuses: ['SUPPRESSED'] }) => {
  clock.advance(1)
  return startReplay(tenant.client, { endpointId, ...input })
}

const replayed = () => replayedEvents(bundle.database.pool, tenant.endpoint)

/** What is replayed has been attempted, with success. */
async function attemptAll(): Promise<void> {
  await bundle.database.pool.query('delete from due where endpoint_id = $1', [tenant.endpoint])
}

const eventsOf = (rows: readonly DeliveryRow[]) => rows.map(({ event }) => event.eventId)

test('each event asked for is replayed once, in publishing order', async () => {
  const missed = await publishMany(3)
  await fail(await publish('PENDING'))
  missed.push(await publish())
  const { id } = await start()
  await turns.takeTurns(3)
  expect(await replayed()).toEqual(eventsOf(missed))
  expect(await readReplay(tenant.client, id)).toMatchObject({
    ...{ status: 'COMPLETED', matched: 4, created: 4, endpoint: { id: endpointId } },
  })
})

test('events are counted before the first is delivered', async () => {
  await publishMany(2)
  const { id } = await start()
  await turns.takeTurns(1)
  expect(await readReplay(tenant.client, id)).toMatchObject({ matched: 2, created: 0 })
})

test('what arrived by a replay has not failed any more', async () => {
  const failed = await publish('PENDING')
  await fail(failed)
  await start({ statuses: ['FAILED'] })
  await turns.takeTurns(3)
  expect(await replayed()).toEqual(eventsOf([failed]))
  const at = clock.now().toISOString()
  await bundle.database.pool.query(
    `update delivery set status = 'SUCCEEDED', next_attempt_at = null, completed_at = $2
      where endpoint_id = $1 and trigger = 'REPLAY'`,
    [tenant.endpoint, at],
  )
  const { id } = await start({ statuses: ['FAILED'] })
  await turns.takeTurns(3)
  expect(await readReplay(tenant.client, id)).toMatchObject({ status: 'COMPLETED', matched: 0 })
})

test('what failed by a replay is replayed in publishing order', async () => {
  const first = await publish('PENDING')
  await fail(first)
  await start({ statuses: ['FAILED'] })
  await turns.takeTurns(3)
  const second = await publish('PENDING')
  await fail(second)
  await attemptAll()
  await bundle.database.pool.query(
    `update delivery set status = 'CANCELED', next_attempt_at = null, completed_at = $2
      where endpoint_id = $1 and trigger = 'REPLAY'`,
    [tenant.endpoint, clock.now().toISOString()],
  )
  await start({ statuses: ['FAILED', 'CANCELED'] })
  await turns.takeTurns(3)
  expect(await replayed()).toEqual(eventsOf([first, second]))
})

test('a full replay delivers what the endpoint never got', async () => {
  const other = await tenant.rows.addEndpoint(tenant.workspace)
  const theirs = await tenant.deliver({ endpointIds: [other], at: clock.now() })
  const succeeded = await publish('PENDING')
  await tenant.rows.attempt(succeeded, { result: 'SUCCEEDED', statusCode: 200 })
  await publish('PENDING') // arrives by itself
  await fail(await tenant.deliver({ eventType: 'course.done', at: clock.now() }))
  await bundle.database.pool.query(
    `update endpoint set event_types = '{invoice.*}' where id = $1`,
    [tenant.endpoint],
  )
  await start({})
  await attemptAll()
  await turns.takeTurns(3)
  expect(await replayed()).toEqual(eventsOf([theirs, succeeded]))
})

test('pings are not replayed, neither its own nor those of others', async () => {
  const other = await tenant.rows.addEndpoint(tenant.workspace)
  for (const to of [tenant.endpoint, other]) {
    const ping = { endpointIds: [to], trigger: 'PING', at: clock.now() } as const
    await fail(await tenant.deliver(ping))
  }
  const { id } = await start({})
  await turns.takeTurns(3)
  expect(await readReplay(tenant.client, id)).toMatchObject({ status: 'COMPLETED', matched: 0 })
})

test('only the types and the time asked for are replayed', async () => {
  await publish()
  clock.advance(10)
  const since = clock.now().toISOString()
  const fitting = await publish()
  await tenant.deliver({ status: 'SUPPRESSED', eventType: 'course.done', at: clock.now() })
  clock.advance(10)
  const until = clock.now().toISOString()
  await publish()
  const statuses = ['SUPPRESSED']
  await start({ statuses, createdAt: { since, until }, eventTypes: ['invoice.*'] })
  await turns.takeTurns(3)
  expect(await replayed()).toEqual(eventsOf([fitting]))
})

test('nothing is put on top of a slice that waits', async () => {
  const missed = await publishMany(replaySliceStart * 3)
  const { id } = await start()
  await turns.takeTurns(10)
  expect(await replayed()).toHaveLength(replaySliceStart)
  await attemptAll()
  await turns.takeTurns(1)
  const { created } = await readReplay(tenant.client, id)
  expect(created).toBeGreaterThan(replaySliceStart)
  for (let n = 0; n < 3; n++) {
    await attemptAll()
    await turns.takeTurns(1)
  }
  expect(await readReplay(tenant.client, id)).toMatchObject({ created: missed.length })
})

test('a later slice comes behind an earlier one on any clock', async () => {
  await publishMany(replaySliceStart + 1)
  await start()
  await turns.takeTurns(2)
  await attemptAll()
  const { rows } = await bundle.database.pool.query(
    `update replay set sliced_at = sliced_at + interval '1 hour' returning sliced_at as at`,
  )
  await turns.takeTurns(1)
  const { rows: due } = await bundle.database.pool.query(
    'select due_at as at from due where endpoint_id = $1',
    [tenant.endpoint],
  )
  expect(due).toHaveLength(1)
  expect(due[0].at > rows[0].at).toBe(true)
})

/** Takes a turn and does not end it: what it would store, when it gets to it. */
async function hangInTurn() {
  const { pool } = bundle.database
  const at = clock.now()
  const nextTurnAt = new Date(at.getTime() + replayTurnMsMax)
  const replay = await claimReplayTurn(pool, { at, nextTurnAt })
  if (!replay) throw new Error('No replay wants a turn.')
  const changeId = newUuid(at.getTime())
  const end = {
    ...replay,
    status: 'RUNNING',
    deliveries: [],
    nextTurnAt: at,
    changeId,
    at,
  } as const
  return { store: () => storeReplayTurn(pool, replay, end) }
}

test('a turn that was taken over changes nothing', async () => {
  await publishMany(replaySliceStart + 1)
  const { id } = await start()
  await turns.takeTurns(1)
  clock.advance(1)
  const zombie = await hangInTurn()
  expect(await turns.takeTurn()).toBe(false)
  clock.advance(replayTurnMsMax / 1000)
  await turns.takeTurns(1)
  expect(await zombie.store()).toBe(false)
  expect(await readReplay(tenant.client, id)).toMatchObject({
    ...{ status: 'RUNNING', created: replaySliceStart },
  })
})

test('a turn whose replay was canceled changes nothing', async () => {
  await publishMany(1)
  const { id } = await start()
  const late = await hangInTurn()
  await tenant.client.mutate('replayCancel', { id })
  expect(await late.store()).toBe(false)
  expect(await readReplay(tenant.client, id)).toMatchObject({ status: 'CANCELED' })
})

test('many at once deliver nothing twice', async () => {
  const missed = await publishMany(40)
  const { id } = await start()
  for (let n = 0; n < 8; n++) {
    clock.advance(1)
    await Promise.all(Array.from({ length: 6 }, () => turns.takeTurn()))
    await attemptAll()
  }
  const { rows } = await bundle.database.pool.query(
    `select event_id as event from delivery where endpoint_id = $1 and trigger = 'REPLAY'
      order by id`,
    [tenant.endpoint],
  )
  expect(rows.map(({ event }) => event)).toEqual(eventsOf(missed))
  expect(await readReplay(tenant.client, id)).toMatchObject({ status: 'COMPLETED', created: 40 })
})

test('while its endpoint is disabled a replay waits', async () => {
  await publishMany(2)
  const { id } = await start()
  await tenant.client.mutate('endpointDisable', { id: endpointId })
  await turns.takeTurns(4)
  expect(await readReplay(tenant.client, id)).toMatchObject({ status: 'RUNNING', created: 0 })
  await tenant.client.mutate('endpointEnable', { id: endpointId })
  clock.advance(replayRestMsMax / 1000)
  await turns.takeTurns(2)
  expect(await readReplay(tenant.client, id)).toMatchObject({ status: 'COMPLETED', created: 2 })
})

test('a replay ends with its endpoint', async () => {
  await publishMany(2)
  const { id } = await start()
  await tenant.client.mutate('endpointDelete', { id: endpointId })
  await turns.takeTurns(1)
  expect(await readReplay(tenant.client, id)).toMatchObject({ status: 'CANCELED', created: 0 })
})

test('a canceled replay makes nothing more', async () => {
  await publishMany(replaySliceStart * 2)
  const { id } = await start()
  await turns.takeTurns(2)
  await tenant.client.mutate('replayCancel', { id })
  await attemptAll()
  await turns.takeTurns(3)
  expect(await replayed()).toEqual([])
  expect(await readReplay(tenant.client, id)).toMatchObject({
    ...{ status: 'CANCELED', created: replaySliceStart },
  })
})

test('what is gone is not replayed', async () => {
  const [kept, purged, removed] = await publishMany(3)
  const { pool } = bundle.database
  await pool.query('update event set payload = null where id = $1', [purged?.event.eventId])
  await pool.query('delete from event where id = $1', [removed?.event.eventId])
  const { id } = await start()
  await turns.takeTurns(3)
  expect(await replayed()).toEqual([kept?.event.eventId])
  expect(await readReplay(tenant.client, id)).toMatchObject({ status: 'COMPLETED', matched: 1 })
})
