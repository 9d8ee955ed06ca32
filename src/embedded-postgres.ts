import { existsSync } from 'node:fs'
import { mkdir, realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Client } from 'pg'
import type { Logger } from 'pino'
import { serverAccount } from './embedded/account.ts'
import { findBinaries } from './embedded/binaries.ts'
import { clusterFolder, openCluster, superuser } from './embedded/cluster.ts'
import { holdDirectory } from './embedded/directory-lock.ts'
import { startServer, type Server, type ServerSettings } from './embedded/server.ts'

/** A PostgreSQL of our own. Disposing stops it; the data stays. */
export type EmbeddedPostgres = AsyncDisposable & {
  /** Of the database `postrider`, as superuser. Port and password are ours alone. */
  readonly url: string
  /** Resolves when the server has ended and nobody asked it to. */
  readonly lost: Promise<void>
}

/** Which data to serve. The port is any that is free. */
export type EmbeddedOptions = {
  /** Where the data is kept, with the lock that keeps a second program out. Made if missing. */
  readonly dataDir: string
  readonly log: Pick<Logger, 'info' | 'error'>
  /** Over the defaults, by their names in postgresql.conf. For tests, whose data may be lost. */
  readonly settings?: ServerSettings
}

/** Durable as in production, so that what is measured here holds; sized for a laptop. */
const defaults: ServerSettings = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '256MB',
  // The first change of a page after a checkpoint logs the whole page: let time alone bring one on.
  max_wal_size: '2GB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_min_messages: 'warning',
  // A failed statement and its detail hold payloads and secrets: neither belongs in a log.
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
}

const databaseName = 'postrider'

/**
 * Starts PostgreSQL on the data in `dataDir`, about a second the first time. Throws a sentence for
 * the operator where another live program holds the directory, or the machine cannot run it.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  try {
    return await start(options)
  } catch (error) {
    throw withAdvice(error, options.dataDir)
  }
}

async function start({ log, settings, ...options }: EmbeddedOptions): Promise<EmbeddedPostgres> {
  await using resources = new AsyncDisposableStack()
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 })
  const dataDir = await realpath(options.dataDir)
  resources.use(await holdDirectory(dataDir))
  const folder = clusterFolder(dataDir)
  // It can take a slow machine 20 s, during which nothing else is said.
  if (!existsSync(folder)) log.info(`making a database in ${folder}, once`)
  const account = await serverAccount(folder)
  const binaries = await findBinaries(account)
  const cluster = await openCluster(dataDir, account, binaries)
  const logFile = join(dataDir, 'postgres.log')
  const program = binaries.postgres
  const server = resources.use(
    await startServer({ program, cluster, settings: { ...defaults, ...settings }, logFile }),
  )
  const { lost, expected } = watchEnd(server)
  resources.defer(expected)
  void lost.then(() => log.error({ logFile }, 'PostgreSQL has ended'))
  const url = `postgres://${superuser}:${cluster.password}@127.0.0.1:${server.port}/`
  await ensureDatabase(`${url}postgres`)
  log.info({ dataDir, port: server.port }, 'PostgreSQL has started')
  const running = resources.move()
  return { url: url + databaseName, lost, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

/** Once it is expected, an end is what we asked for. */
function watchEnd(server: Server): { lost: Promise<void>; expected: () => void } {
  const lost = Promise.withResolvers<void>()
  let isExpected = false
  void server.ended.then(() => {
    if (!isExpected) lost.resolve()
  })
  return {
    lost: lost.promise,
    expected: () => {
      isExpected = true
    },
  }
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const exists = '/* databaseExists */ select from pg_database where datname = $1'
    const { rowCount } = await client.query(exists, [databaseName])
    if (rowCount === 0) await client.query(`/* createDatabase */ create database ${databaseName}`)
  } finally {
    await client.end()
  }
}

/** Says what to do where it is the directory that stands in the way. */
function withAdvice(error: unknown, dataDir: string): unknown {
  if (!(error instanceof Error)) return error
  const { code, path = '' } = error as NodeJS.ErrnoException
  const isFull = code === 'ENOSPC' || error.message.includes('No space left on device')
  if (!isFull && !path.startsWith(resolve(dataDir))) return error
  const words = isFull
    ? `No space is left for the database in ${dataDir}: an empty one takes 50 MB.`
    : `${dataDir} cannot hold the database: ${error.message}.`
  return new Error(`${words} Another directory is chosen with POSTRIDER_DATA_DIR.`, {
    cause: error,
  })
}
