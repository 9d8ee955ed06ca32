import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, open, readFile, rename, stat } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { embeddedLogBytesMax, embeddedStartMsMax } from '../limits/embedded.ts'
import { type Cluster, dataPath, quietEnvironment } from './cluster.ts'
import {
  folderMark,
  sendSignal,
  serverIsReady,
  stopLeftServer,
  stopServer,
} from './server-process.ts'

/** Values of postgresql.conf by name. */
export type ServerSettings = Readonly<Record<string, string>>

/** What a server is started from. */
export type ServerPlan = {
  /** Path of the `postgres` program. */
  readonly program: string
  readonly cluster: Cluster
  readonly settings: ServerSettings
  readonly logFile: string
}

const pollMs = 10

/** A server that takes connections. Disposing stops it. */
export type Server = AsyncDisposable & {
  readonly port: number
  /** Resolves when the process has ended, whoever ended it. */
  readonly ended: Promise<unknown>
}

/** Others' troubles that pass: a port taken since we chose it, remains of a killed server. */
const passing = [
  'Address already in use',
  'lock file "postmaster.pid" already exists',
  'pre-existing shared memory block',
]

/** Starts the server, on a free port of this machine only. */
export async function startServer(plan: ServerPlan): Promise<Server> {
  const deadline = AbortSignal.timeout(embeddedStartMsMax)
  for (;;) {
    await stopLeftServer(plan.cluster.folder)
    const attempt = await launch(plan, deadline)
    if (typeof attempt !== 'string') return attempt
    if (deadline.aborted || !passing.some((words) => attempt.includes(words))) {
      throw new Error(`The database server did not start (see ${plan.logFile}): ${attempt}`)
    }
    await delay(100)
  }
}

/** The server, or what it wrote before it gave up. */
async function launch(plan: ServerPlan, deadline: AbortSignal): Promise<Server | string> {
  const { folder } = plan.cluster
  const port = await freePort()
  await using log = await openLog(plan.logFile)
  const { size: logStart } = await log.stat()
  const child = spawnServer(plan, port, log.fd)
  await once(child, 'spawn') // throws where there is no process
  const ended = once(child, 'exit')
  const pid = child.pid as number
  // A program that ends without disposing still asks the server to stop.
  const stopOnExit = () => sendSignal(pid, 'SIGINT')
  process.once('exit', stopOnExit)
  void ended.then(() => process.off('exit', stopOnExit))
  if (await becomesReady(child, folder, deadline)) {
    return {
      port,
      ended,
      [Symbol.asyncDispose]: async () => {
        child.ref() // or the program may be over before the wait is
        await stopServer(pid, folder)
        await ended
      },
    }
  }
  await stopServer(pid, folder)
  return (await readFile(plan.logFile)).subarray(logStart).toString().trim()
}

function spawnServer(plan: ServerPlan, port: number, logFd: number): ChildProcess {
  const { folder, account } = plan.cluster
  const settings = Object.entries(plan.settings).map(([name, value]) => `${name}=${value}`)
  const options = [...settings, `port=${port}`, folderMark(folder)].flatMap((pair) => ['-c', pair])
  const child = spawn(plan.program, ['-D', dataPath(folder, account), ...options], {
    cwd: folder,
    env: quietEnvironment,
    ...account,
    // Its own session: Ctrl-C in the terminal is for us, who stop the server when we are done.
    detached: true,
    // A file and no pipe: it is still written, and no error, when we are killed.
    stdio: ['ignore', logFd, logFd],
  })
  child.unref()
  return child
}

async function becomesReady(
  child: ChildProcess,
  folder: string,
  deadline: AbortSignal,
): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null && !deadline.aborted) {
    if (await serverIsReady(child.pid as number, folder)) return true
    await delay(pollMs)
  }
  return false
}

async function openLog(path: string): Promise<FileHandle> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  )
  if (size > embeddedLogBytesMax) await rename(path, `${path}.old`)
  return open(path, 'a', 0o600)
}

/** Free now; should another program take it before the server does, we choose again. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
