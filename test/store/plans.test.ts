import { globSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, inTransaction, openDatabase } from '../../src/db.ts'
import { unknownHealth } from '../../src/rules/circuit.ts'
import { newDeliveryUuid, newUuid } from '../../src/rules/id.ts'
import * as attempt from '../../src/store/attempt.ts'
import * as change from '../../src/store/change.ts'
import * as deliveryChange from '../../src/store/delivery-change.ts'
import { anyDelivery } from '../../src/store/delivery-filter.ts'
import * as deliveryList from '../../src/store/delivery-list.ts'
import { readDeliveries } from '../../src/store/delivery.ts'
import { countDue } from '../../src/store/due-count.ts'
import * as due from '../../src/store/due.ts'
import * as disable from '../../src/store/endpoint-disable.ts'
import * as health from '../../src/store/endpoint-health.ts'
import * as secret from '../../src/store/endpoint-secret.ts'
import { readStats } from '../../src/store/endpoint-stats.ts'
import * as endpoint from '../../src/store/endpoint.ts'
import * as event from '../../src/store/event.ts'
import * as lane from '../../src/store/lane-endpoint.ts'
import * as owners from '../../src/store/log-owners.ts'
import * as partition from '../../src/store/partition.ts'
import * as publication from '../../src/store/publication.ts'
import { readsOf } from '../../src/store/reads.ts'
import { recordResults, type ResultRow } from '../../src/store/result.ts'
import { afterAllIds, beforeAllIds } from '../../src/store/slice.ts'
import * as subscription from '../../src/store/subscription.ts'
import { freshDatabase } from '../support/database.ts'
import { fillWithRows, type SomeIds } from '../support/many-rows.ts'

/*
 * Every statement of `src/store` that touches a tenant table is run once on many rows, as the
 * program runs it, and then explained: the hot path's with the plan that serves all values, since
 * that is the one it has, the others with the plan for theirs.
 */

type Ran = { readonly name: string; readonly text: string; readonly values: readonly unknown[] }
type Plan = { 'Node Type': string; 'Relation Name'?: string; Plans?: Plan[] }

const ran = new Map<string, Ran & { readonly isPrepared: boolean }>()
let resources: AsyncDisposableStack
let database: Database
let some: SomeIds

beforeAll(async () => {
  resources = new AsyncDisposableStack()
  const fresh = resources.use(await freshDatabase())
  database = resources.use(await openDatabase(fresh.url))
  some = await fillWithRows(database.pool)
  resources.defer(listen())
  await runEverything()
}, 60_000)

afterAll(() => resources.disposeAsync())

/** Notes every statement with a name that leaves for the database, until told to stop. */
function listen(): () => void {
  const query = Reflect.get(pg.Client.prototype, 'query') as () => unknown
  pg.Client.prototype.query = function note(this: pg.Client, ...given: unknown[]) {
    const [first, second] = given
    const config = (typeof first === 'string' ? { text: first, values: second } : first) as Ran
    const name = /^\s*\/\*\s*(\w+)\s*\*\//.exec(config.text)?.[1]
    const options = (this as unknown as { connectionParameters: { options?: string } })
      .connectionParameters.options
    const isPrepared = options?.includes('force_generic_plan') ?? false
    const values = Array.isArray(config.values) ? config.values : []
    if (name) ran.set(name, { name, text: config.text, values, isPrepared })
    return Reflect.apply(query, this, given)
  } as never
  return () => {
    pg.Client.prototype.query = query as never
  }
}

/** With arguments of every kind; each undoes what it does by rolling back. */
async function runEverything(): Promise<void> {
  const { pool, orm } = database
  const read = readsOf(database)
  const { workspaceId, endpointIds, eventIds, deliveryIds } = some
  const [endpointId = '', otherEndpointId = ''] = endpointIds
  const [deliveryId = ''] = deliveryIds
  const key = { workspaceId, id: endpointId }
  const slice = {
    newerThan: beforeAllIds,
    olderThan: afterAllIds,
    order: 'newest',
    limit: 20,
  } as const
  const at = new Date()
  const em = orm.em.fork()

  await readDeliveries(read, workspaceId, deliveryIds)
  await deliveryList.listDeliveries(read, { workspaceId, filter: anyDelivery }, slice)
  await deliveryList.countDeliveries(read, { workspaceId, filter: anyDelivery }, 100)
  await event.readEvents(read, workspaceId, eventIds)
  await event.readPayloads(read, workspaceId, eventIds)
  const anyEvent = {
    eventTypes: null,
    idempotencyKey: null,
    createdSince: null,
    createdUntil: null,
  }
  await event.listEvents(read, { workspaceId, filter: anyEvent }, slice)
  await attempt.readAttemptsOf(read, workspaceId, deliveryIds)
  const attempts = deliveryIds.map((id) => ({ deliveryId: id, number: 1 }))
  await attempt.readAttempts(read, workspaceId, attempts)
  await attempt.readExchanges(read, workspaceId, attempts)
  const range = { since: new Date(at.getTime() - 3_600_000), until: at, bucket: 'HOUR' } as const
  await readStats(read, { workspaceId, endpointIds: [endpointId], ...range })
  const after = { xid: await change.readFence(read), id: newUuid(at.getTime()), index: 0 }
  await change.readChanges(read, [{ workspaceId, after }], 100)
  await owners.findDeliveryOwners(read, deliveryIds)
  await owners.findEventOwners(read, eventIds)
  await countDue(pool, 10_000)

  await endpoint.findEndpoints(em, [key, { workspaceId, id: otherEndpointId }])
  await endpoint.findEndpoint(em, key)
  await endpoint.listEndpoints(em, { workspaceId }, slice)
  await endpoint.countEndpoints(em, { workspaceId })
  await endpoint.findEndpointOwners(em, endpointIds)
  await health.findEndpointHealth(em, [key])
  await health.countDueByEndpoint(em, [key])
  await secret.findEndpointSecrets(em, key)
  await em
    .transactional(async (inside) => {
      await endpoint.lockEndpoint(inside, key)
      await health.resetEndpointHealth(inside, { ...key, at })
      await health.unparkEndpoint(inside, { ...key, at })
      await secret.removeSecrets(inside, key)
      throw new RollBack()
    })
    .catch(RollBack.expected)

  await subscription.readVersions(pool, [workspaceId])
  await subscription.readSubscriptions(pool, [workspaceId])
  await lane.readLaneEndpoints(pool, endpointIds)
  await lane.readLaneNews(pool, endpointIds)
  await due.findDueEndpoints(pool, { until: at, after: beforeAllIds, limit: 100 })
  await disable.findFailingEndpoints(pool, at)
  await partition.oldestAwaitedDay(pool, at)
  const wish = { endpointId, workspaceId, after: due.dueStart, rowsMax: 100, payloadBytesMax: 1e6 }
  const page = await due.loadDue(pool, [wish], new Date(at.getTime() + 1e9))
  await publication.countDeliveriesOf(pool, workspaceId, eventIds)

  await inTransaction(pool, async (client) => {
    await due.mendDue(client, page)
    await due.unholdDue(client, { endpointId, workspaceId })
    const changeId = newUuid(at.getTime())
    await due.cancelDue(client, { endpointId, workspaceId, changeId, at, limit: 10 })
    const version = '0'
    await disable.disableEndpoint(client, { endpointId, workspaceId, version, reason: 'GONE', at })
    const delivery = await deliveryChange.lockDelivery(client, { workspaceId, id: deliveryId })
    if (!delivery) throw new Error('There is no delivery.')
    const status = delivery.status
    const changed = { delivery, status, changeId, at }
    await client.query('savepoint changed')
    await deliveryChange.requeueDelivery(client, changed).catch(() => {})
    await client.query('rollback to changed')
    await deliveryChange.cancelDelivery(client, changed).catch(() => {})
    await client.query('rollback to changed')
    await publish(client, at)
    await record(client, page[0], at)
    await partition.deleteLeftovers(client, new Date(0))
    throw new RollBack()
  }).catch(RollBack.expected)
}

async function publish(client: Parameters<typeof publication.takeKeys>[0], at: Date) {
  const { workspaceId, endpointIds } = some
  const eventId = newUuid(at.getTime())
  const row = { key: 'new', eventId, requestHash: Buffer.alloc(32) }
  await publication.takeKeys(client, { workspaceId, at, rows: [row] })
  await publication.readKeys(client, workspaceId, ['new'])
  const published = {
    ...{ eventId, workspaceId, eventType: 'invoice.paid', payloadText: '{}' },
    ...{ idempotencyKey: null, occurredAt: at, deliverAt: null },
  }
  const deliveries = endpointIds.map((endpointId) => ({
    ...{ deliveryId: newDeliveryUuid(at.getTime()), workspaceId, endpointId, event: published },
    ...{ status: 'PENDING', trigger: 'EVENT', dueAt: at },
  })) satisfies publication.DeliveryRow[]
  const changeId = newUuid(at.getTime())
  await publication.insertPublication(client, { events: [published], deliveries, changeId, at })
}

async function record(
  client: Parameters<typeof recordResults>[0],
  loaded: due.DueDelivery | undefined,
  at: Date,
): Promise<void> {
  if (!loaded) throw new Error('Nothing waits.')
  const { deliveryId, workspaceId, endpointId } = loaded
  const result: ResultRow = {
    ...{
      deliveryId,
      workspaceId,
      endpointId,
      status: 'SUCCEEDED' as const,
      failures: 0,
      durationMs: 1,
    },
    ...{ loadedDueAt: loaded.dueAt, loadedNextAt: loaded.dueAt, number: loaded.attemptCount + 1 },
    trigger: 'SCHEDULED',
    result: 'SUCCEEDED',
    ...{ nextAttemptAt: null, nextDueAt: null },
    ...{ errorMessage: null, startedAt: at, url: '', requestHeaders: '', statusCode: null },
    ...{ responseHeaders: null, responseBody: null, responseBodyTruncated: false },
  }
  const of = { ...unknownHealth, endpointId, workspaceId, asOf: at }
  const batch = { results: [result], health: [of], changeId: newUuid(at.getTime()), at }
  await recordResults(client, batch)
}

/** Ends a transaction whose work is not meant to stay. */
class RollBack extends Error {
  static readonly expected = (error: unknown): void => {
    if (!(error instanceof RollBack)) throw error
  }
}

/** Every tenant table with its partitions; others have few rows, or are another test's. */
const tenantTable =
  /^(endpoint(_secret|_health)?|event|idempotency_key|delivery|due|attempt|change)(_\d+)?$/

/** Statements that look at a whole table, and why they may. */
const mayScan: Readonly<Record<string, string>> = {
  countDue: 'stops at its limit',
  deleteOldDue: 'once an hour, beside the drop of partitions',
  deleteOldKeys: 'as above',
  oldestAwaitedDay: 'as above',
  findFailingEndpoints: 'now and then, and all endpoints are few beside what they get',
}

test('every statement on a tenant table is explained', () => {
  const touches = /\b(from|join|into|update|using)\s+(endpoint|event|delivery|due|attempt|change)/
  const named = globSync('src/store/*.ts').flatMap((path) => {
    const text = readFileSync(path, 'utf8')
    const inSql = text.matchAll(/`\/\* (\w+) \*\/([^`]*)`/g)
    const sql = [...inSql].flatMap(([, name = '', body = '']) => (touches.test(body) ? [name] : []))
    const isTenant = /\b(Endpoint|EndpointSecret|EndpointHealth)Entity\b/.test(text)
    const byOrm = isTenant ? [...text.matchAll(/comments(?::| =) '(\w+)'/g)] : []
    return [...sql, ...byOrm.map(([, name = '']) => name)]
  })
  expect(named.filter((name) => !ran.has(name) && !ofPartitions.includes(name))).toEqual([])
  expect(named.length).toBeGreaterThan(40)
})

/** They make, drop and look through the partitions themselves. */
const ofPartitions = ['createPartition', 'hasStrays', 'dropPartition', 'readSpan']

test('no statement reads a whole tenant table', async () => {
  const scans: string[] = []
  for (const statement of ran.values()) {
    if (statement.name in mayScan || !isExplained(statement)) continue
    for (const table of scannedTables(await planOf(statement))) {
      if (tenantTable.test(table)) scans.push(`${statement.name} scans ${table}`)
    }
  }
  expect(scans).toEqual([])
})

/** What defines tables cannot be explained, nor need it be. */
function isExplained({ text }: Ran): boolean {
  return /^\s*\/\*.*?\*\/\s*\(?(select|with|insert|update|delete)/i.test(text)
}

async function planOf({ name, text, values, isPrepared }: Ran & { isPrepared: boolean }) {
  const { pool, orm } = database
  const connections = isPrepared ? pool : await orm.em.getConnection().getNativeClient()
  const options = isPrepared ? 'generic_plan, format json' : 'format json'
  const { rows } = await connections
    .query(`explain (${options}) ${text}`, isPrepared ? [] : [...values])
    .catch((error: unknown) => {
      throw new Error(`${name} cannot be explained`, { cause: error })
    })
  return rows[0]['QUERY PLAN'][0].Plan as Plan
}

function scannedTables(plan: Plan): string[] {
  const own = plan['Node Type'] === 'Seq Scan' ? [plan['Relation Name'] ?? ''] : []
  return [...own, ...(plan.Plans ?? []).flatMap(scannedTables)]
}
