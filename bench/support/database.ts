import { randomBytes } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'pg'
import { pino } from 'pino'
import { startEmbeddedPostgres } from '../../src/embedded-postgres.ts'
import { parentOf } from './processes.ts'

/** A PostgreSQL and the keys that its programs share; it ends with the run. */
export type BenchDatabase = AsyncDisposable & {
  readonly url: string
  /** For what the run itself asks and seeds. */
  readonly pool: Pool
  /** The process whose children are all of PostgreSQL's others. */
  readonly serverPid: number
  /** For logs and whatever else is thrown away afterwards. */
  readonly folder: string
  readonly adminKey: string
  readonly encryptionKeys: string
}

/** As `npm start` brings it: fsync and synchronous_commit on. What is measured is what is run. */
export async function startDatabase(): Promise<BenchDatabase> {
  await using resources = new AsyncDisposableStack()
  const folder = resources.adopt(await mkdtemp(join(tmpdir(), 'postrider-bench-')), remove)
  const log = pino({ level: 'error' })
  const { url } = resources.use(await startEmbeddedPostgres({ dataDir: folder, log }))
  resources.use(removedAtExit(folder))
  const pool = new Pool({ connectionString: url, max: 4 })
  pool.on('error', () => {}) // the next statement reports it
  resources.defer(() => pool.end())
  const kept = resources.move()
  return {
    ...{ url, pool, folder },
    serverPid: await serverPidOf(pool),
    adminKey: randomBytes(24).toString('hex'),
    encryptionKeys: `bench:${randomBytes(32).toString('base64')}`,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

function remove(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true })
}

/**
 * A run that is interrupted leaves nothing behind: five million deliveries are gigabytes. At exit
 * PostgreSQL was told to stop before this is called, and removes its `postmaster.pid` at last.
 */
function removedAtExit(folder: string): Disposable {
  const removeNow = () => {
    const until = performance.now() + 5_000
    const serverRuns = () => existsSync(join(folder, 'postgres', 'postmaster.pid'))
    while (serverRuns() && performance.now() < until) sleepNow(20)
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', removeNow)
  return { [Symbol.dispose]: () => void process.off('exit', removeNow) }
}

/** At exit nothing can be awaited any more. */
function sleepNow(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

async function serverPidOf(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid')
  return (await parentOf(rows[0]?.pid ?? 0)) ?? NaN
}

/** Bytes of write-ahead log since the database was made. */
export async function walBytes({ pool }: BenchDatabase): Promise<number> {
  const { rows } = await pool.query<{ bytes: number }>(
    "select (pg_current_wal_insert_lsn() - '0/0')::float8 as bytes",
  )
  return rows[0]?.bytes ?? NaN
}

/** Bytes that the log keeps until retention drops them, those of indexes included. */
export async function logBytes({ pool }: BenchDatabase): Promise<number> {
  const { rows } = await pool.query<{ bytes: number }>(
    `select sum(pg_total_relation_size(inhrelid))::float8 as bytes from pg_inherits
     where inhparent in
       ('event'::regclass, 'delivery'::regclass, 'attempt'::regclass, 'change'::regclass)`,
  )
  return rows[0]?.bytes ?? NaN
}
