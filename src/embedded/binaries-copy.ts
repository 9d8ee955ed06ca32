import { randomUUID } from 'node:crypto'
import { chmod, copyFile, lstat, mkdir, readFile, readdir, readlink } from 'node:fs/promises'
import { rename, rm, symlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { systemClock } from '../clock.ts'

/** Only root writes here, so nobody else can lay binaries for root to find. */
const cacheFolder = '/var/cache/postrider'
const draftPrefix = 'draft-'

/**
 * A copy of the binaries (60 MB, about 0.3 s) that every user can run, kept for the next start and
 * for other checkouts of the same version. It may be deleted at any time.
 */
export async function copyForOthers(
  installed: string,
  isUsable: (folder: string) => Promise<boolean>,
): Promise<string> {
  const copy = join(cacheFolder, await packageVersion(installed))
  await mkdir(cacheFolder, { recursive: true })
  await chmod(cacheFolder, 0o755)
  await assertOwnedByRoot(cacheFolder)
  if (await isUsable(copy)) return copy
  await removeAbandonedDrafts()
  const draft = join(cacheFolder, `${draftPrefix}${randomUUID()}`)
  try {
    await copyTree(installed, draft)
    // Another program may have put a copy there meanwhile, and be running from it.
    if (!(await moved(draft, copy)) && !(await isUsable(copy))) {
      await rm(copy, { recursive: true, force: true })
      await rename(draft, copy)
    }
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return copy
}

/** Left by a program that was killed while it copied. A copy takes seconds, never an hour. */
async function removeAbandonedDrafts(): Promise<void> {
  const anHourAgo = systemClock.now().getTime() - 3_600_000
  for (const name of await readdir(cacheFolder)) {
    const draft = join(cacheFolder, name)
    if (!name.startsWith(draftPrefix) || (await lstat(draft)).mtimeMs > anHourAgo) continue
    await rm(draft, { recursive: true, force: true })
  }
}

async function packageVersion(installed: string): Promise<string> {
  const text = await readFile(join(installed, '../package.json'), 'utf8')
  return `postgres-${(JSON.parse(text) as { version: string }).version}-${process.arch}`
}

async function assertOwnedByRoot(folder: string): Promise<void> {
  const found = await lstat(folder)
  if (found.isDirectory() && found.uid === 0) return
  throw new Error(`${folder} does not belong to root. Remove it, then start again.`)
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to)
  await chmod(to, 0o755)
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    const source = join(entry.parentPath, entry.name)
    const target = join(to, relative(from, source))
    if (entry.isSymbolicLink()) {
      await symlink(await readlink(source), target)
      continue
    }
    await (entry.isDirectory() ? mkdir(target) : copyFile(source, target))
    // Whoever installed with umask 077 left files only root may read.
    await chmod(target, 0o755)
  }
}

async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false
    throw error
  }
}
