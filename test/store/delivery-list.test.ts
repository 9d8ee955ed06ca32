import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, inTransaction, openDatabase } from '../../src/db.ts'
import { newUuid, uuidFloor } from '../../src/rules/id.ts'
import { anyDelivery, type DeliveryFilter } from '../../src/store/delivery-filter.ts'
import {
  countDeliveries,
  listDeliveries,
  listDeliveriesOf,
  type OwnedSelection,
} from '../../src/store/delivery-list.ts'
import { readDeliveries, type StoredDelivery } from '../../src/store/delivery.ts'
import { findDeliveryOwners, findEventOwners } from '../../src/store/log-owners.ts'
import { anyDay, newLogSpan } from '../../src/store/log-span.ts'
import { dayOf } from '../../src/store/partition.ts'
import { type Read, readsOf } from '../../src/store/reads.ts'
import { afterAllIds, beforeAllIds, type Slice } from '../../src/store/slice.ts'
import { freshDatabase } from '../support/database.ts'
import { logRows } from '../support/log-rows.ts'

/*
 * Each filter has its own way through the log. Whichever it is, it must find what looking at every
 * row would: 1,500 deliveries of three days with every status, result and trigger, a part of those
 * that wait put off, read page by page from both ends.
 */

let resources: AsyncDisposableStack
let database: Database
let read: Read
let workspaceId: string
let everything: readonly StoredDelivery[]

const minuteMs = 60_000
const start = Math.floor(Date.now() / 86_400_000) * 86_400_000

beforeAll(async () => {
  resources = new AsyncDisposableStack()
  const { url } = resources.use(await freshDatabase())
  database = resources.use(await openDatabase(url))
  read = readsOf(database)
  workspaceId = await fill()
  await fill() // another's, in between
  const ids = await read<{ id: string }>({
    text: 'select id from delivery where workspace_id = $1',
    values: [workspaceId],
  })
  const rows = await readDeliveries(
    read,
    workspaceId,
    ids.map((row) => row.id),
  )
  everything = rows.toSorted((a, b) => (a.id < b.id ? 1 : -1))
})

afterAll(() => resources.disposeAsync())

/** Most succeeded; of what is left there is each kind at each of six endpoints. */
async function fill(): Promise<string> {
  const rows = logRows(database)
  const own = await rows.addWorkspace()
  const endpointIds = await Promise.all([1, 2, 3, 4, 5, 6].map(() => rows.addEndpoint(own)))
  await database.pool.query(
    `with made as (
       select n, overlay(uuidv7(at - clock_timestamp())::text placing '000' from 34)::uuid as id,
         ($2::uuid[])[1 + n % 6] as endpoint_id, uuidv7(at - clock_timestamp()) as event_id, at,
         case when n % 5 > 0 then 'SUCCEEDED' else
           (array['PENDING', 'RETRYING', 'FAILED', 'CANCELED', 'SUPPRESSED'])[1 + n / 5 % 5]
         end::delivery_status as status
       from generate_series(0, 1499) n
       cross join lateral (select $3::timestamptz + n * interval '2.5 minutes' as at) time
     ), logged as (
       insert into delivery (id, workspace_id, endpoint_id, event_id, event_type, status, trigger,
         attempt_count, next_attempt_at, completed_at, last_result, last_status_code)
       select id, $1, endpoint_id, event_id,
         case when n % 97 = 0 then 'rare.type' else 'type.' || n % 2 end, status,
         case when n % 41 = 0 then 'REPLAY' when n % 43 = 0 then 'PING' else 'EVENT'
           end::delivery_trigger,
         attempts, case when waits then at end, case when not waits then at end,
         case when attempts = 1 then result end, case when attempts = 1 then code end
       from made
       cross join lateral (select status in ('PENDING', 'RETRYING') as waits,
         case when status in ('PENDING', 'SUPPRESSED') then 0 else 1 end as attempts,
         (case when status = 'SUCCEEDED' then 'SUCCEEDED'
           else (array['TIMEOUT', 'HTTP_ERROR'])[1 + n / 25 % 2] end)::attempt_result as result
       ) kind
       cross join lateral (select case result when 'SUCCEEDED' then 200
         when 'HTTP_ERROR' then 500 + n / 50 % 4 end as code) answer
     )
     insert into due (endpoint_id, due_at, delivery_id, workspace_id, event_id, attempt_count,
       failures, attempt_trigger)
     select endpoint_id, at + n % 3 * interval '1 hour', id, $1, event_id, case status when 'PENDING' then 0 else 1 end, 0,
       'SCHEDULED'
     from made where status in ('PENDING', 'RETRYING')`,
    [own, endpointIds, new Date(start).toISOString()],
  )
  return own
}

const filters: Readonly<Record<string, () => Partial<DeliveryFilter>>> = {
  everything: () => ({}),
  'one endpoint': () => ({ endpointIds: endpoints(1) }),
  'an endpoint named twice': () => ({ endpointIds: [...endpoints(2), ...endpoints(1)] }),
  'no endpoint': () => ({ endpointIds: [] }),
  'one event': () => ({ eventId: everything[7]?.eventId ?? '' }),
  'one event and another endpoint': () => ({
    eventId: everything[7]?.eventId ?? '',
    endpointIds: [everything[8]?.endpointId ?? ''],
  }),
  'a rare type': () => ({ eventTypes: ['rare.type', 'rare.type', 'no.type'] }),
  'a type of an endpoint': () => ({ eventTypes: ['rare.type'], endpointIds: endpoints(1) }),
  replays: () => ({ triggers: ['REPLAY'] }),
  'pings and replays that failed': () => ({ triggers: ['REPLAY', 'PING'], statuses: ['FAILED'] }),
  'events alone': () => ({ triggers: ['EVENT'] }),
  succeeded: () => ({ statuses: ['SUCCEEDED'] }),
  failed: () => ({ statuses: ['FAILED'] }),
  'failed of one endpoint': () => ({ statuses: ['FAILED'], endpointIds: endpoints(1) }),
  'failed of three': () => ({ statuses: ['FAILED', 'CANCELED'], endpointIds: endpoints(3) }),
  pending: () => ({ statuses: ['PENDING'] }),
  'waiting, one endpoint': () => ({
    statuses: ['PENDING', 'RETRYING'],
    endpointIds: endpoints(1),
  }),
  'waiting, three endpoints': () => ({ statuses: ['PENDING'], endpointIds: endpoints(3) }),
  'pending of one type': () => ({ statuses: ['PENDING'], eventTypes: ['type.0'] }),
  'pending replays of three endpoints': () => ({
    statuses: ['PENDING', 'RETRYING'],
    triggers: ['REPLAY', 'PING'],
    endpointIds: endpoints(3),
  }),
  'pending with a result': () => ({ statuses: ['PENDING'], lastResults: ['SUCCEEDED'] }),
  'pending at no endpoint': () => ({ statuses: ['PENDING'], endpointIds: [] }),
  'pending in two days': () => ({
    statuses: ['PENDING'],
    createdSince: new Date(start + 900 * minuteMs),
    createdUntil: new Date(start + 2_400 * minuteMs),
  }),
  'waiting or over': () => ({ statuses: ['PENDING', 'RETRYING', 'FAILED', 'SUPPRESSED'] }),
  'no status': () => ({ statuses: [] }),
  timeouts: () => ({ lastResults: ['TIMEOUT'] }),
  'timeouts that succeeded': () => ({ lastResults: ['TIMEOUT'], statuses: ['SUCCEEDED'] }),
  'timeouts and successes': () => ({ lastResults: ['TIMEOUT', 'SUCCEEDED'] }),
  'code 501 to 502': () => ({ lastStatusCodeMin: 501, lastStatusCodeMax: 502 }),
  'code up to 199': () => ({ lastStatusCodeMax: 199 }),
  'code from 200': () => ({ lastStatusCodeMin: 200 }),
  'failed in two days': () => ({
    statuses: ['FAILED', 'RETRYING'],
    createdSince: new Date(start + 900 * minuteMs),
    createdUntil: new Date(start + 2_400 * minuteMs),
  }),
}

test.each(Object.keys(filters))(
  'a filter finds what looking at all rows would: %s',
  async (name) => {
    const filter = { ...anyDelivery, ...filters[name]?.() }
    const wanted = everything.filter((row) => meets(row, filter)).map((row) => row.id)
    expect(await pages(filter, 'newest')).toEqual(wanted)
    expect(await pages(filter, 'oldest')).toEqual(wanted.toReversed())
    expect(await countDeliveries(read, { workspaceId, filter }, 10_000)).toBe(wanted.length)
  },
)

/** At each endpoint and in each day more fit than a page of three has. */
const dense = ['pending', 'pending of one type', 'waiting or over', 'failed in two days']

test.each(dense)('short pages leave nothing out: %s', async (name) => {
  const filter = { ...anyDelivery, ...filters[name]?.() }
  const wanted = everything.filter((row) => meets(row, filter)).map((row) => row.id)
  expect(await pages(filter, 'newest', 3)).toEqual(wanted)
  expect(await pages(filter, 'oldest', 3)).toEqual(wanted.toReversed())
})

test.each(Object.keys(filters))('each owner has its own page: %s', async (name) => {
  const filter = { ...anyDelivery, ...filters[name]?.() }
  const fitting = everything.filter((row) => meets(row, filter))
  const ownersOf = {
    endpoint: endpoints(6),
    event: everything.slice(0, 9).map((row) => row.eventId),
  }
  for (const owner of ['endpoint', 'event'] as const) {
    const ownerIds = ownersOf[owner]
    const selection: OwnedSelection = { workspaceId, filter, owner, ownerIds }
    const { rowsOf } = await listDeliveriesOf(read, selection, { ...all, limit: 5 })
    for (const id of ownerIds) {
      const own = fitting.filter((row) => row[`${owner}Id`] === id).slice(0, 5)
      expect((rowsOf.get(id) ?? []).map((row) => row.id)).toEqual(own.map((row) => row.id))
    }
  }
})

test('a delivery that succeeds at once stays on its page', async () => {
  const rows = logRows(database)
  const own = await rows.addWorkspace()
  const at = new Date(start)
  const [delivery] = await rows.publish({
    workspaceId: own,
    endpointIds: [await rows.addEndpoint(own)],
    at,
  })
  const stayed = await inTransaction(database.pool, async (client) => {
    const update = `update delivery set status = 'SUCCEEDED', attempt_count = 1,
      next_attempt_at = null, completed_at = now(), last_result = 'SUCCEEDED'
      where workspace_id = $1 and id = $2`
    await client.query(update, [own, delivery?.deliveryId])
    const count = 'select pg_stat_get_xact_tuples_hot_updated($1::regclass)::int as count'
    return client.query(count, [`delivery_${dayOf(at)}`])
  })
  expect(stayed.rows).toEqual([{ count: 1 }])
})

test('an operator finds the workspace of an id', async () => {
  const [some] = everything
  const ids = [some?.id ?? '', newUuid(Date.now())]
  expect(await findDeliveryOwners(read, ids)).toEqual([{ id: some?.id, workspaceId }])
  expect(await findEventOwners(read, [uuidFloor(start)])).toEqual([])
})

const bounds = { newerThan: beforeAllIds, olderThan: afterAllIds }
const all = { ...bounds, order: 'newest', days: anyDay } as const

/** All pages, of the days there are, as the API reads them. */
async function pages(filter: DeliveryFilter, order: Slice['order'], limit = 40): Promise<string[]> {
  const days = await newLogSpan(read)()
  const found: string[] = []
  for (;;) {
    const last = found.at(-1)
    const from = last && (order === 'newest' ? { olderThan: last } : { newerThan: last })
    const slice = { ...all, ...from, order, limit, days }
    const { rows } = await listDeliveries(read, { workspaceId, filter }, slice)
    found.push(...rows.map((row) => row.id))
    if (rows.length < limit) return found
  }
}

function endpoints(count: number): string[] {
  return [...new Set(everything.map((row) => row.endpointId))].toSorted().slice(0, count)
}

function meets(row: StoredDelivery, filter: DeliveryFilter): boolean {
  const isIn = (list: readonly unknown[] | null, value: unknown) => list?.includes(value) ?? true
  const code = row.lastStatusCode
  const { lastStatusCodeMin: min, lastStatusCodeMax: max } = filter
  const at = Number.parseInt(row.id.slice(0, 8) + row.id.slice(9, 13), 16)
  return (
    isIn(filter.endpointIds, row.endpointId) &&
    (filter.eventId ?? row.eventId) === row.eventId &&
    isIn(filter.eventTypes, row.eventType) &&
    isIn(filter.statuses, row.status) &&
    isIn(filter.triggers, row.trigger) &&
    isIn(filter.lastResults, row.lastResult) &&
    (min === null || (code !== null && code >= min)) &&
    (max === null || (code !== null && code <= max)) &&
    (filter.createdSince?.getTime() ?? 0) <= at &&
    at < (filter.createdUntil?.getTime() ?? Infinity)
  )
}
