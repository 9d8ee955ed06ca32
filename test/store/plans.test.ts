import { globSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/db.ts'
import { freshDatabase } from '../support/database.ts'
import { fillWithRows } from '../support/many-rows.ts'
import { runEveryStatement } from './every-statement.ts'

/*
 * Every statement of `src/store` that touches a tenant table is run once on many rows, as the
 * program runs it, and then explained: the hot path's with the plan that serves all values, since
 * that is the one it has, the others with the plan for theirs.
 */

type Ran = { readonly name: string; readonly text: string; readonly values: readonly unknown[] }
type Plan = {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Index Cond'?: string
  Plans?: Plan[]
}

const ran: (Ran & { readonly isPrepared: boolean })[] = []
let resources: AsyncDisposableStack
let database: Database

beforeAll(async () => {
  resources = new AsyncDisposableStack()
  const fresh = resources.use(await freshDatabase())
  database = resources.use(await openDatabase(fresh.url))
  const some = await fillWithRows(database.queuePool)
  resources.defer(listen())
  await runEveryStatement(database, some)
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
    if (name) ran.push({ name, text: config.text, values, isPrepared })
    return Reflect.apply(query, this, given)
  } as never
  return () => {
    pg.Client.prototype.query = query as never
  }
}

/** Every tenant table with its partitions; others have few rows, or are another test's. */
const tenantTable =
  /^(endpoint(_secret|_health)?|event|idempotency_key|delivery|due|attempt|change|audit_entry|replay)(_\d+)?$/

/** Statements that look at a whole table, and why they may. */
const mayScan: Readonly<Record<string, string>> = {
  countDue: 'stops at its limit',
  deleteOldDue: 'once an hour, beside the drop of partitions',
  deleteOldKeys: 'as above',
  deleteOldReplays: 'as above',
  oldestAwaitedDay: 'as above',
  findFailingEndpoints: 'now and then, and all endpoints are few beside what they get',
}

test('every statement on a tenant table is explained', () => {
  const touches =
    /\b(from|join|into|update|using)\s+(endpoint|event|delivery|due|attempt|change|audit|replay)/
  const named = globSync('src/store/*.ts').flatMap((path) => {
    const text = readFileSync(path, 'utf8')
    const inSql = text.matchAll(/`\/\* (\w+) \*\/([^`]*)`/g)
    const sql = [...inSql].flatMap(([, name = '', body = '']) => (touches.test(body) ? [name] : []))
    const isTenant = /\b(Endpoint|EndpointSecret|EndpointHealth|AuditEntry|Replay)Entity\b/.test(
      text,
    )
    const byOrm = isTenant ? [...text.matchAll(/comments(?::| =) '(\w+)'/g)] : []
    return [...sql, ...byOrm.map(([, name = '']) => name)]
  })
  expect(
    named.filter((name) => !ran.some((one) => one.name === name) && !ofPartitions.includes(name)),
  ).toEqual([])
  expect(named.length).toBeGreaterThan(40)
})

/** They make, drop and look through the partitions themselves. */
const ofPartitions = ['createPartition', 'hasStrays', 'dropPartition', 'readSpan']

test('no statement reads a whole tenant table', async () => {
  const scans: string[] = []
  for (const statement of ran) {
    if (statement.name in mayScan || !isExplained(statement)) continue
    for (const node of nodesOf(await planOf(statement))) {
      const table = node['Relation Name'] ?? ''
      if (tenantTable.test(table) && readsAll(node)) scans.push(`${statement.name} scans ${table}`)
    }
  }
  expect(scans).toEqual([])
})

/** By an index without a condition it is no less. */
function readsAll({ 'Node Type': type, 'Index Cond': condition }: Plan): boolean {
  return type === 'Seq Scan' || (type.startsWith('Index') && condition === undefined)
}

/** Each index that only makes a statement quick, and one that needs it. */
const indexes: Readonly<Record<string, string>> = {
  endpoint_by_workspace: 'listEndpoints',
  endpoint_secret_by_endpoint: 'readLaneEndpoints',
  endpoint_health_failing: 'findFailingEndpoints',
  event_by_type: 'listEvents',
  event_by_id: 'findEventOwners',
  replay_by_turn: 'claimReplayTurn',
  replay_by_endpoint: 'findFullReplay',
  delivery_by_endpoint: 'listDeliveries',
  delivery_by_event: 'countDeliveriesOf',
  delivery_by_type: 'listDeliveries',
  delivery_rare: 'listDeliveries',
  delivery_rare_by_endpoint: 'listDeliveries',
  delivery_triggered: 'listDeliveries',
  due_out_of_line: 'listDeliveries',
  delivery_by_id: 'findDeliveryOwners',
  attempt_by_endpoint: 'readStats',
  workspace_deleted: 'findDeletedWorkspaces',
  audit_entry_by_workspace: 'listAuditEntries',
  audit_entry_by_target: 'listAuditEntries',
}

test('every index serves the statement it was made for', async () => {
  const used = new Map<string, Set<string>>()
  for (const statement of ran.filter(isExplained)) {
    for (const { 'Index Name': index } of nodesOf(await planOf(statement))) {
      if (index) used.set(index, (used.get(index) ?? new Set()).add(statement.name))
    }
  }
  // Of a partitioned table's index the partitions have each their own.
  const { rows } = await database.pool.query<{ name: string; parts: string[] }>(`
    select index.relname as name, array(
      select part.relname::text from pg_inherits
      join pg_class part on part.oid = inhrelid where inhparent = index.oid) as parts
    from pg_index join pg_class index on index.oid = indexrelid
    join pg_class owner on owner.oid = indrelid
    where index.relnamespace = 'public'::regnamespace and not indisunique
      and not owner.relispartition and owner.relname <> 'api_key'`)
  expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(indexes).sort())
  const idle = rows.filter(({ name, parts }) => {
    return ![name, ...parts].some((one) => used.get(one)?.has(indexes[name] ?? ''))
  })
  expect(idle).toEqual([])
})

test('a plan made for an empty log finds a row by its key', async () => {
  await using fresh = await freshDatabase()
  await using empty = await openDatabase(fresh.url)
  const byBounds: string[] = []
  for (const statement of ran.filter((one) => one.isPrepared && isExplained(one))) {
    for (const { 'Index Name': index = '' } of nodesOf(await planOf(statement, empty))) {
      if (/^(delivery|event)_[a-z0-9]+_id_idx$/.test(index)) byBounds.push(statement.name)
    }
  }
  expect(byBounds).toEqual([])
})

/** What defines tables cannot be explained, nor need it be. */
function isExplained({ text }: Ran): boolean {
  return /^\s*\/\*.*?\*\/\s*\(?(select|with|insert|update|delete)/i.test(text)
}

async function planOf(
  { name, text, values, isPrepared }: Ran & { isPrepared: boolean },
  { pool, orm }: Database = database,
) {
  const connections = isPrepared ? pool : await orm.em.getConnection().getNativeClient()
  const options = isPrepared ? 'generic_plan, format json' : 'format json'
  const { rows } = await connections
    .query(`explain (${options}) ${text}`, isPrepared ? [] : [...values])
    .catch((error: unknown) => {
      throw new Error(`${name} cannot be explained`, { cause: error })
    })
  return rows[0]['QUERY PLAN'][0].Plan as Plan
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]
}
