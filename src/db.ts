import { setTimeout as wait } from 'node:timers/promises'
import { readdirSync, readFileSync } from 'node:fs'
import { MikroORM, type Options } from '@mikro-orm/postgresql'
import { Migration, Migrator } from '@mikro-orm/migrations'
import { Client, Pool as PgPool, type ClientBase, type PoolConfig } from 'pg'
import {
  databaseConnectionsMax,
  databaseTimeoutMs,
  migrationLockMs,
  queryMsMax,
  queueConnectionsMax,
  statementMsMax,
} from './limits.ts'
import {
  logConnectionIdleMs,
  logConnectionSeconds,
  logConnectionsMax,
  ormConnectionsMax,
} from './limits/connections.ts'
import { entities } from './model/entities.ts'
import { installQueue } from './queue.ts'
import { createPartitionsAhead } from './store/partition.ts'
import { textArray } from './store/sql-array.ts'

/** Plain SQL on the hot path: parameters in arrays, one statement a round trip. */
export type Pool = PgPool

/** What a statement runs on: the pool, or one client inside a transaction. */
export type Queryable = Pick<ClientBase, 'query'>

/** The ways to the one database. Apart, so that no use of it can starve another. */
export type Database = AsyncDisposable & {
  /** Set-up and queries. Fork one entity manager per operation. */
  readonly orm: MikroORM
  /** The data plane, with connections of its own, so that no list query can starve it. */
  readonly pool: Pool
  /** Where the log is listed, by plans that are made once, too: see `readsOf`. */
  readonly logPool: Pool
  /** The queue's few, whose plans are made for their values: a lease is renewed come what may. */
  readonly queuePool: Pool
}

const migrationsFolder = new URL('../migrations/', import.meta.url)
/** Any number will do as long as every process of every version takes the same one. */
const migrationLock = 7_226_001

/**
 * Statements of the hot path are prepared once; planning again over all partitions costs more than
 * the statement itself. A plan made while a table is empty lives on when it has millions of rows:
 * left to choose, PostgreSQL scans the table of the day and joins by hash, and recording 200
 * results reads all its deliveries (7.4 million rows in a run of 100,000). So it has no choice:
 * each row is found by its index.
 */
const hotOptions = [
  'plan_cache_mode=force_generic_plan',
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  'jit=off',
  'timezone=UTC',
]
  .map((setting) => `-c ${setting}`)
  .join(' ')

/** Connects lazily: a database that is down fails the first statement, not this call. */
export async function openDatabase(url: string): Promise<Database> {
  // What looks dear to the planner ends after a page: compiled it takes longer.
  const settings = `-c statement_timeout=${queryMsMax} -c jit=off`
  const orm = await MikroORM.init(ormOptions(url, settings))
  // Its own arrays leave `null` and blanks unquoted, which PostgreSQL reads as something else.
  orm.config.getPlatform().marshallArray = textArray
  const pool = openPool(url, { max: databaseConnectionsMax, options: hotOptions })
  const logPool = openPool(url, {
    ...{ max: logConnectionsMax, options: hotOptions },
    ...{ idleTimeoutMillis: logConnectionIdleMs, maxLifetimeSeconds: logConnectionSeconds },
    ...{ statement_timeout: queryMsMax, query_timeout: queryMsMax + databaseTimeoutMs },
  })
  const queuePool = openPool(url, { max: queueConnectionsMax })
  return {
    orm,
    pool,
    logPool,
    queuePool,
    [Symbol.asyncDispose]: async () => {
      // A connection that was cut inside a transaction of the ORM never comes back to its pool.
      const tooLong = wait(databaseTimeoutMs, undefined, { ref: false })
      const ending = [pool.end(), logPool.end(), queuePool.end(), orm.close()]
      await Promise.race([Promise.all(ending), tooLong])
    },
  }
}

function openPool(url: string, options: PoolConfig): Pool {
  const pool = new PgPool({
    connectionString: url,
    connectionTimeoutMillis: databaseTimeoutMs,
    keepAlive: true,
    application_name: 'postrider',
    // The second for a connection whose other end is gone: nobody else would say so.
    statement_timeout: statementMsMax,
    query_timeout: statementMsMax + databaseTimeoutMs,
    ...options,
  })
  // A connection the server drops while idle: the pool replaces it; the next statement reports it.
  pool.on('error', () => {})
  // The same while it is lent out, between two statements: unheard, it would end the process.
  pool.on('connect', (client) => void client.on('error', () => {}))
  return pool
}

/** Brings a database to this version. Many processes may run it at once: one does the work. */
export async function migrate(url: string): Promise<void> {
  const guard = new Client({ connectionString: url })
  await guard.connect()
  try {
    await guard.query('/* migrationLock */ select pg_advisory_lock($1)', [migrationLock])
    const orm = await MikroORM.init(ormOptions(url, `-c lock_timeout=${migrationLockMs}`))
    try {
      await orm.migrator.up()
    } finally {
      await orm.close()
    }
    await createPartitionsAhead(guard, new Date())
    await installQueue(url)
  } finally {
    await guard.end()
  }
}

/** `settings` are those of each connection's session, as options of `postgres`. */
function ormOptions(url: string, settings = ''): Options {
  return {
    clientUrl: url,
    entities,
    extensions: [Migrator],
    migrations: {
      migrationsList: sqlMigrations(),
      snapshot: false,
      tableName: 'migration',
      silent: true,
    },
    pool: { max: ormConnectionsMax },
    driverOptions: {
      connectionTimeoutMillis: databaseTimeoutMs,
      application_name: 'postrider',
      options: settings,
    },
    forceUtcTimezone: true,
  }
}

/** Migrations are plain SQL files, so that they can be read, linted and run by hand. */
function sqlMigrations() {
  return migrationNames().map((name) => ({
    name,
    class: class extends Migration {
      override up(): void {
        this.addSql(readFileSync(new URL(`${name}.sql`, migrationsFolder), 'utf8'))
      }
    },
  }))
}

/** All migrations of this version, in their order. */
export function migrationNames(): string[] {
  const files = readdirSync(migrationsFolder).filter((name) => /^\d{4}-.*\.sql$/.test(name))
  return files.sort().map((name) => name.replace(/\.sql$/, ''))
}

/** Runs `work` in one transaction on one connection; whatever it throws rolls it back. */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: Queryable) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    client.release()
    return result
  } catch (error) {
    // A connection that cannot even roll back is not given to anyone again.
    const broken = await client.query('rollback').then(
      () => false,
      () => true,
    )
    client.release(broken)
    throw error
  }
}
