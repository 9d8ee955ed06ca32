import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, open, readFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Account } from './account.ts'
import type { Binaries } from './binaries.ts'

/** The data of one server: what PostgreSQL calls a cluster. */
export type Cluster = {
  readonly folder: string
  /** Null: as whoever runs us. */
  readonly account: Account | null
  readonly password: string
}

const major = '18'
const draftPrefix = 'postgres.new-'
/** Inside the cluster, so that one is never there without the other. */
const passwordFile = 'postrider.password'
/** Who we are to our own server; its password is made with the data. */
export const superuser = 'postgres'

/** Where the data of a server lies. */
export const clusterFolder = (dataDir: string) => join(dataDir, 'postgres')

/**
 * Opens the data in `dataDir`, creating it the first time. It appears under its name at once and
 * whole; what a killed start left half done is thrown away.
 */
export async function openCluster(
  dataDir: string,
  account: Account | null,
  binaries: Binaries,
): Promise<Cluster> {
  const folder = clusterFolder(dataDir)
  await removeDrafts(dataDir)
  if (!existsSync(folder)) await createCluster(dataDir, account, binaries)
  await assertVersion(folder)
  return { folder, account, password: await readFile(join(folder, passwordFile), 'utf8') }
}

/**
 * How the server reaches its data. Another user than ours may not be allowed to enter the folders
 * above it, root's home for one. The working directory is entered before we give up root, and
 * Linux follows this link to it without looking at the folders above.
 */
export function dataPath(folder: string, account: Account | null): string {
  return account && process.platform === 'linux' ? '/proc/self/cwd' : folder
}

/** What PostgreSQL's programs see: nothing of ours may change what they do or say. */
export const quietEnvironment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

/** Best effort: an `initdb` that outlived its program may still write into one. */
async function removeDrafts(dataDir: string): Promise<void> {
  const drafts = (await readdir(dataDir)).filter((name) => name.startsWith(draftPrefix))
  for (const name of drafts) await remove(join(dataDir, name)).catch(() => {})
}

const remove = (path: string) => rm(path, { recursive: true, force: true })

async function createCluster(
  dataDir: string,
  account: Account | null,
  binaries: Binaries,
): Promise<void> {
  const draft = await mkdtemp(join(dataDir, draftPrefix))
  const password = `${draft}.password`
  try {
    await writePassword(password, account)
    if (account) await chown(draft, account.uid, account.gid)
    await initialize({ draft, password, account, binaries })
    await rename(password, join(draft, passwordFile))
    await rename(draft, clusterFolder(dataDir))
  } finally {
    await remove(password)
    await remove(draft)
  }
}

async function writePassword(path: string, account: Account | null): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(randomBytes(24).toString('base64url'))
  if (account) await file.chown(account.uid, account.gid)
}

type Draft = {
  readonly draft: string
  readonly password: string
  readonly account: Account | null
  readonly binaries: Binaries
}

const initdbOptions = [
  `--username=${superuser}`,
  '--auth=scram-sha-256',
  '--pwfile=/dev/stdin',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
]

async function initialize({ draft, password, account, binaries }: Draft): Promise<void> {
  await using file = await open(password)
  const initdb = spawn(binaries.initdb, ['-D', dataPath(draft, account), ...initdbOptions], {
    cwd: draft,
    env: quietEnvironment,
    ...account,
    stdio: [file.fd, 'ignore', 'pipe'],
  })
  const [said, [code]] = await Promise.all([text(initdb.stderr as Readable), once(initdb, 'exit')])
  if (code !== 0) throw new Error(`The database could not be created: ${said.trim()}`)
}

async function assertVersion(folder: string): Promise<void> {
  const found = (await readFile(join(folder, 'PG_VERSION'), 'utf8').catch(() => '')).trim()
  if (found === major) return
  throw new Error(
    `${folder} holds ${found ? `data of PostgreSQL ${found}` : 'no database'}, and this version ` +
      `of Postrider runs PostgreSQL ${major}. Move the folder away to start with an empty one.`,
  )
}
