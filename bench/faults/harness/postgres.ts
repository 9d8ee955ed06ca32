import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import { serverAccount } from '../../../src/embedded/account.ts'
import { findBinaries, type Binaries } from '../../../src/embedded/binaries.ts'
import {
  clusterFolder,
  dataPath,
  openCluster,
  quietEnvironment,
  superuser,
  type Cluster,
} from '../../../src/embedded/cluster.ts'
import { serverIsReady } from '../../../src/embedded/server-process.ts'
import { adopt } from './children.ts'
import { freePort } from './free-port.ts'

/** How a server is told to stop: `pg_ctl stop -m …` sends the same signals. */
export type StopMode = 'fast' | 'immediate'

/** A PostgreSQL of the experiment's own that stops and comes back on the same port. */
export type Postgres = AsyncDisposable & {
  readonly url: string
  readonly port: number
  /** On a connection of its own, so that it works as soon as the server does. */
  readonly query: <Row>(text: string, values?: readonly unknown[]) => Promise<Row[]>
  readonly stop: (mode: StopMode) => Promise<void>
  readonly start: () => Promise<void>
  /** Ends every connection of the program. Answers how many there were. */
  readonly cutConnections: () => Promise<number>
}

const ourName = 'faults'
const startMsMax = 30_000

/** Durable, as production: what is acknowledged is on disk. */
const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '400',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  log_min_messages: 'warning',
}

/** Creates an empty database in `folder` and starts its server. */
export async function startPostgres(folder: string): Promise<Postgres> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const dataDir = await realpath(folder)
  const account = await serverAccount(clusterFolder(dataDir))
  const binaries = await findBinaries(account)
  const cluster = await openCluster(dataDir, account, binaries)
  const port = await freePort()
  const logFile = join(dataDir, 'postgres.log')
  let server = await launch({ cluster, binaries, port, logFile })
  const base = `postgres://${superuser}:${cluster.password}@127.0.0.1:${port}/`
  await runQuery(`${base}postgres`, { text: 'create database postrider', values: [] })
  const url = `${base}postrider`
  const query = <Row>(text: string, values: readonly unknown[] = []) => {
    return runQuery<Row>(url, { text, values })
  }
  const stop = async (mode: StopMode) => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await ended
  }
  return {
    ...{ url, port, query, stop },
    start: async () => {
      server = await launch({ cluster, binaries, port, logFile })
    },
    cutConnections: async () => {
      const rows = await query<{ cut: boolean }>(
        `select pg_terminate_backend(pid) as cut from pg_stat_activity
         where backend_type = 'client backend' and application_name <> $1`,
        [ourName],
      )
      return rows.filter(({ cut }) => cut).length
    },
    [Symbol.asyncDispose]: () => stop('immediate'),
  }
}

type Launch = {
  readonly cluster: Cluster
  readonly binaries: Binaries
  readonly port: number
  readonly logFile: string
}

async function launch({ cluster, binaries, port, logFile }: Launch): Promise<ChildProcess> {
  const { folder, account } = cluster
  const options = Object.entries({ ...settings, port }).flatMap(([name, value]) => {
    return ['-c', `${name}=${value}`]
  })
  await using log = await open(logFile, 'a', 0o600)
  const child = spawn(binaries.postgres, ['-D', dataPath(folder, account), ...options], {
    cwd: folder,
    env: quietEnvironment,
    ...account,
    stdio: ['ignore', log.fd, log.fd],
  })
  await once(adopt(child), 'spawn')
  const deadline = AbortSignal.timeout(startMsMax)
  while (!(await serverIsReady(child.pid ?? 0, folder))) {
    if (child.exitCode !== null || deadline.aborted) throw new Error(`No start, see ${logFile}`)
    await pause(10)
  }
  return child
}

async function runQuery<Row>(
  url: string,
  { text, values }: { text: string; values: readonly unknown[] },
): Promise<Row[]> {
  const client = new Client({ connectionString: url, application_name: ourName })
  client.on('error', () => {}) // the statement reports it
  await client.connect()
  try {
    const { rows } = await client.query(text, [...values])
    return rows as Row[]
  } finally {
    await client.end().catch(() => {})
  }
}
