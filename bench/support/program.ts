import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Role } from '../../src/config.ts'
import type { BenchDatabase } from './database.ts'

/** The program as its users run it: one process or several, on one database. */
export type Program = AsyncDisposable & {
  /** Of the first process, which serves the API. */
  readonly url: string
  readonly key: string
  readonly processes: readonly ProgramProcess[]
  /** Runs a GraphQL operation as the operator; throws on any error. */
  readonly ask: <Answer>(query: string, variables?: object) => Promise<Answer>
  /** A figure of `/metrics`, summed over all processes. */
  readonly metric: (name: string) => Promise<number>
}

export type ProgramProcess = AsyncDisposable & {
  readonly url: string
  readonly pid: number
  readonly metric: (name: string) => Promise<number>
}

const mainFile = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** One process for each role, one after the other, so that the first one migrates. */
export async function startProgram(
  database: BenchDatabase,
  roles: readonly Role[] = ['all'],
): Promise<Program> {
  await using resources = new AsyncDisposableStack()
  const processes: ProgramProcess[] = []
  for (const role of roles) processes.push(resources.use(await startProcess(database, role)))
  const url = processes[0]?.url ?? ''
  const key = database.adminKey
  const kept = resources.move()
  return {
    ...{ url, key, processes },
    ask: (query, variables = {}) => askAs(url, key, { query, variables }),
    metric: async (name) => {
      const values = await Promise.all(processes.map((one) => one.metric(name)))
      return values.reduce((sum, value) => sum + value, 0)
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

async function startProcess(database: BenchDatabase, role: Role): Promise<ProgramProcess> {
  const port = await freePort()
  const logFile = join(database.folder, `${randomUUID()}.log`)
  await using log = await open(logFile, 'w')
  const child = spawn(process.execPath, [mainFile], {
    env: { ...process.env, ...environment(database, port), POSTRIDER_ROLE: role },
    stdio: ['ignore', log.fd, log.fd],
  })
  const killNow = () => child.kill('SIGKILL')
  process.once('exit', killNow)
  const url = `http://127.0.0.1:${port}`
  await untilReady(url, child, logFile)
  return {
    url,
    pid: child.pid ?? NaN,
    metric: (name) => readMetric(url, name),
    [Symbol.asyncDispose]: async () => {
      process.off('exit', killNow)
      await ended(child)
      await showTroubles(logFile)
    },
  }
}

function environment({ url, adminKey, encryptionKeys }: BenchDatabase, port: number) {
  return {
    DATABASE_URL: url,
    PORT: String(port),
    HOST: '127.0.0.1',
    POSTRIDER_ADMIN_KEY: adminKey,
    POSTRIDER_ENCRYPTION_KEYS: encryptionKeys,
    POSTRIDER_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
    POSTRIDER_HTTPS_ONLY: 'false',
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

async function untilReady(url: string, child: ChildProcess, logFile: string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(await readFile(logFile, 'utf8'))
    const ready = await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (ready) return
    await wait(50)
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const { exitCode, signalCode } = child
  if (exitCode !== null || signalCode !== null) {
    process.stderr.write(`  program: ended by itself, ${exitCode ?? signalCode}\n`)
    return
  }
  child.kill('SIGTERM')
  await once(child, 'exit')
}

/** A figure that was paid for with errors should not look like one that was not. */
async function showTroubles(logFile: string): Promise<void> {
  const lines = (await readFile(logFile, 'utf8')).split('\n')
  const troubles = lines.filter((line) => line !== '' && !/^{"level":[123]0/.test(line))
  for (const line of troubles.slice(0, 5))
    process.stderr.write(`  program: ${line.slice(0, 300)}\n`)
  if (troubles.length > 5) process.stderr.write(`  program: ${troubles.length} such lines\n`)
}

async function readMetric(url: string, name: string): Promise<number> {
  const text = await fetch(`${url}/metrics`).then((answer) => answer.text())
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return Number(line?.split(' ').at(-1) ?? 0)
}

async function askAs<Answer>(url: string, key: string, operation: object): Promise<Answer> {
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(operation),
  })
  const { data, errors } = (await answer.json()) as { data: Answer; errors?: unknown }
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}
