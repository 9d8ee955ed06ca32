import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspectProcess } from './process.ts'

/** The file that says which process works in a directory. */
const lockFile = 'lock'

type Holder = { readonly pid: number; readonly startedAt: string }

/**
 * Takes a directory for this process alone, until disposed. A lock whose process is dead is taken
 * over. Throws a sentence that names the holder when that one is alive.
 */
export async function holdDirectory(directory: string): Promise<AsyncDisposable> {
  const path = join(directory, lockFile)
  const draft = `${path}.${randomUUID()}`
  const startedAt = (await inspectProcess(process.pid))?.startedAt ?? ''
  const mine: Holder = { pid: process.pid, startedAt }
  await writeFile(draft, JSON.stringify(mine), { mode: 0o600 })
  try {
    // A link appears at once and whole, so nobody ever reads half a lock.
    while (!(await linked(draft, path))) await clearStaleLock(directory, path)
  } finally {
    await rm(draft, { force: true })
  }
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
}

async function clearStaleLock(directory: string, path: string): Promise<void> {
  const seen = await readIfThere(path)
  if (seen === null) return
  const holder = parseHolder(seen)
  if (holder && (await isAlive(holder))) throw inUse(directory, holder.pid)
  // Of several programs that saw the same dead holder, one moves the lock away. Whoever then finds
  // a newer lock in his hands puts it back.
  const aside = `${path}.${randomUUID()}`
  if (!(await moved(path, aside))) return
  if ((await readIfThere(aside)) !== seen) await linked(aside, path)
  await rm(aside, { force: true })
}

function inUse(directory: string, pid: number): Error {
  return new Error(
    `${directory} is in use by process ${pid}. Stop that one first, or give this one a directory ` +
      'of its own with POSTRIDER_DATA_DIR.',
  )
}

async function isAlive(holder: Holder): Promise<boolean> {
  return (await inspectProcess(holder.pid))?.startedAt === holder.startedAt
}

/** Null for anything we did not write: such a file protects nobody. */
function parseHolder(text: string): Holder | null {
  try {
    const { pid, startedAt } = JSON.parse(text) as Partial<Holder>
    return pid !== undefined && startedAt !== undefined ? { pid, startedAt } : null
  } catch {
    return null
  }
}

const readIfThere = (path: string) => readFile(path, 'utf8').catch(nullIf('ENOENT'))

const linked = (from: string, to: string) => link(from, to).then(() => true, falseIf('EEXIST'))

const moved = (from: string, to: string) => rename(from, to).then(() => true, falseIf('ENOENT'))

function nullIf(code: string) {
  return (error: NodeJS.ErrnoException): null => {
    if (error.code !== code) throw error
    return null
  }
}

function falseIf(code: string) {
  return (error: NodeJS.ErrnoException): false => {
    if (error.code !== code) throw error
    return false
  }
}
