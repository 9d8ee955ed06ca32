import { lstat, mkdtemp, readdir, realpath, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/embedded-postgres.ts'
import { clusterFolder } from '../../src/embedded/cluster.ts'
import { inspectProcess } from '../../src/embedded/process.ts'
import { stopLeftServer } from '../../src/embedded/server-process.ts'

const prefix = 'postrider-test-'

/** Memory, where there is any. A database is copied in 12 to 20 ms there, on disk in 20 to 400. */
const memoryFolder = '/dev/shm'
/** In containers it often has 64 MB, which is one server with two databases. */
const memoryBytesMin = 2 ** 30

/** A folder for data that may be lost. Its name says which process removes it when done. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const memory = await statfs(memoryFolder).catch(() => null)
  const hasMemory = memory !== null && memory.bavail * memory.bsize >= memoryBytesMin
  const parent = hasMemory ? memoryFolder : await realpath(tmpdir())
  const path = await mkdtemp(join(parent, `${prefix}${process.pid}-`))
  return { path, [Symbol.asyncDispose]: () => removeFolder(path) }
}

/** With the server that a killed program may have left in it. Two runs may remove the same one. */
async function removeFolder(path: string): Promise<void> {
  await stopLeftServer(clusterFolder(path))
  await rm(path, { recursive: true, force: true, maxRetries: 5 })
}

/** A server in a temporary folder, as fast as it gets: its data outlives no test run. */
export async function startTemporaryServer(): Promise<EmbeddedPostgres> {
  await using resources = new AsyncDisposableStack()
  const folder = resources.use(await temporaryFolder())
  const silent = { info: () => {}, error: () => {} }
  const settings = {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_wal_size: '256MB', // it takes memory
  }
  const server = resources.use(
    await startEmbeddedPostgres({ dataDir: folder.path, log: silent, settings }),
  )
  const running = resources.move()
  return { ...server, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

/** Removes what killed runs left: their folders, and the servers that still run in them. */
export async function removeLeftFolders(): Promise<void> {
  for (const parent of [memoryFolder, await realpath(tmpdir())]) {
    for (const name of await readdir(parent).catch(() => [])) {
      const path = join(parent, name)
      if ((await isLeft(name)) && (await isOurs(path))) await removeFolder(path)
    }
  }
}

async function isLeft(name: string): Promise<boolean> {
  const [, pid] = new RegExp(`^${prefix}(\\d+)-`).exec(name) ?? []
  return pid !== undefined && (await inspectProcess(Number(pid))) === null
}

/** Not another user's, nor a link laid there by one. */
async function isOurs(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => null)
  return found !== null && found.isDirectory() && found.uid === process.getuid?.()
}
