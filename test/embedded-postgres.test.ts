import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, readdir, realpath, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { startEmbeddedPostgres } from '../src/embedded-postgres.ts'
import { temporaryFolder } from './support/temporary-server.ts'

// Temporary folders have mode 700: where root runs the tests, the server's user may not enter them.
const log = { info: () => {}, error: () => {} }
const source = new URL('../src/embedded-postgres.ts', import.meta.url)

test('data outlives a server that was killed', async () => {
  await using folder = await temporaryFolder()
  const ended = Promise.withResolvers<void>()
  const first = await startEmbeddedPostgres({
    dataDir: folder.path,
    log: { info: () => {}, error: () => ended.resolve() },
  })
  await query(first.url, 'create table note (words text)')
  await query(first.url, `insert into note values ('kept')`)
  process.kill(await serverPid(folder.path), 'SIGKILL')
  await ended.promise
  await first[Symbol.asyncDispose]()

  await using second = await startEmbeddedPostgres({ dataDir: folder.path, log })
  expect(await query(second.url, 'select words from note')).toEqual([{ words: 'kept' }])
})

test('the making of a database is told, and only then', async () => {
  await using folder = await temporaryFolder()
  const lines: unknown[] = []
  const told = { info: (line: unknown) => void lines.push(line), error: () => {} }
  const making = `making a database in ${join(await realpath(folder.path), 'postgres')}, once`
  const first = await startEmbeddedPostgres({ dataDir: folder.path, log: told })
  await first[Symbol.asyncDispose]()
  expect(lines[0]).toBe(making)

  await using _again = await startEmbeddedPostgres({ dataDir: folder.path, log: told })
  expect(lines.filter((line) => line === making)).toHaveLength(1)
})

test('a directory in use names the process that holds it', async () => {
  await using folder = await temporaryFolder()
  await using program = await startProgram(folder.path)
  await expect(startEmbeddedPostgres({ dataDir: folder.path, log })).rejects.toThrow(
    `${folder.path} is in use by process ${program.pid}.`,
  )
  expect(await query(program.url, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('a killed program leaves directory and data to the next', async () => {
  await using folder = await temporaryFolder()
  const program = await startProgram(folder.path)
  await query(program.url, 'create table note (words text)')
  const leftServer = await serverPid(folder.path)
  await program[Symbol.asyncDispose]()

  await using next = await startEmbeddedPostgres({ dataDir: folder.path, log })
  expect(await query(next.url, 'select words from note')).toEqual([])
  expect(await serverPid(folder.path)).not.toBe(leftServer)
  await expect(query(program.url, 'select 1')).rejects.toThrow('ECONNREFUSED')
})

test('remains of killed starts do not hinder the next', async () => {
  await using folder = await temporaryFolder()
  const first = await startEmbeddedPostgres({ dataDir: folder.path, log })
  await first[Symbol.asyncDispose]()
  // The numbers in these files are those of living processes that hold nothing here.
  const other = { pid: process.pid, startedAt: 'before this process' }
  await writeFile(join(folder.path, 'lock'), JSON.stringify(other))
  await writeFile(join(folder.path, 'postgres/postmaster.pid'), `${process.ppid}\n`)
  await mkdir(join(folder.path, 'postgres.new-half/base'), { recursive: true })

  await using next = await startEmbeddedPostgres({ dataDir: folder.path, log })
  expect(await query(next.url, 'select 1 as one')).toEqual([{ one: 1 }])
  expect((await readdir(folder.path)).sort()).toEqual(['lock', 'postgres', 'postgres.log'])
})

test('disposing ends the server', async () => {
  await using folder = await temporaryFolder()
  const server = await startEmbeddedPostgres({ dataDir: folder.path, log })
  const pid = await serverPid(folder.path)
  await server[Symbol.asyncDispose]()
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  await expect(query(server.url, 'select 1')).rejects.toThrow('ECONNREFUSED')
})

test('the server is durable, and closed to everybody else', async () => {
  await using folder = await temporaryFolder()
  await using server = await startEmbeddedPostgres({ dataDir: folder.path, log })
  const settings = await query(
    server.url,
    `select name, setting from pg_settings
      where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses')
      order by name`,
  )
  expect(settings.map((row) => row['setting'])).toEqual(['on', 'on', '127.0.0.1', 'on'])
  const guessed = new URL(server.url)
  guessed.password = 'guess'
  await expect(query(guessed.href, 'select 1')).rejects.toThrow('password authentication failed')
})

type Program = AsyncDisposable & { readonly pid: number; readonly url: string }

/** Another program with an embedded server of its own; disposing kills it without warning. */
async function startProgram(dataDir: string): Promise<Program> {
  const code = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(source.href)})
    const log = { info: () => {}, error: () => {} }
    const { url } = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, log })
    console.log(url)
    process.stdin.resume()`
  const program = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(program, 'exit')
  const output = createInterface(program.stdout)
  const [url] = (await Promise.race([once(output, 'line'), ended])) as [string]
  return {
    pid: program.pid as number,
    url,
    [Symbol.asyncDispose]: async () => {
      program.kill('SIGKILL')
      await ended
    },
  }
}

async function serverPid(dataDir: string): Promise<number> {
  const pidFile = await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8')
  return Number(pidFile.split('\n')[0])
}

async function query(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}
