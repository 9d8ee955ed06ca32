import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { newApiKeyText } from '../rules/api-key-text.ts'
import { readSealKeys, type SealKey } from '../seal.ts'

/** Keys the embedded default makes once and keeps in its data directory, for its owner alone. */
export type Keyring = {
  /** The operator's. */
  readonly adminKey: string
  /** Without it nobody reads the secrets and headers in the database again. */
  readonly encryptionKeys: readonly SealKey[]
  /** Of the first workspace, whose text the database does not hold. Null: none was made yet. */
  readonly workspaceKey: () => string | null
  /** Answers when it is on the disk. */
  readonly keepWorkspaceKey: (text: string) => Promise<void>
}

const keysFile = 'keys.json'

const shape = z.object({
  adminKey: z.string().min(32),
  encryptionKeys: z.string(),
  workspaceKey: z.string().nullable(),
})

type Keys = z.infer<typeof shape>

/**
 * Opens the keys kept in `dataDir`, and makes them the first time. Throws a sentence where the
 * file is there and cannot be used: new keys in its place would lock its owner out for good.
 */
export async function openKeyring(dataDir: string): Promise<Keyring> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const path = join(dataDir, keysFile)
  const kept = await readKeys(path)
  let keys = kept ?? newKeys()
  if (kept === null) await writeKeys(path, keys)
  const encryptionKeys = readSealKeys(keys.encryptionKeys)
  if (typeof encryptionKeys === 'string') throw unusable(path)
  return {
    adminKey: keys.adminKey,
    encryptionKeys,
    workspaceKey: () => keys.workspaceKey,
    keepWorkspaceKey: async (workspaceKey) => {
      keys = { ...keys, workspaceKey }
      await writeKeys(path, keys)
    },
  }
}

/** The encryption key has an id of its own, so that what a lost one sealed is told apart. */
function newKeys(): Keys {
  const encryptionKeys = `k${randomBytes(4).toString('hex')}:${randomBytes(32).toString('base64')}`
  return { adminKey: newApiKeyText(), encryptionKeys, workspaceKey: null }
}

async function readKeys(path: string): Promise<Keys | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (text === null) return null
  const read = shape.safeParse(parsed(text))
  if (read.success) return read.data
  throw unusable(path)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function unusable(path: string): Error {
  return new Error(
    `${path} does not hold the keys of this data. Put back the file that was there, or move the ` +
      'whole directory away to start anew.',
  )
}

/** The file appears at once and whole: a start that is killed leaves the one before, or none. */
async function writeKeys(path: string, keys: Keys): Promise<void> {
  const draft = `${path}.new`
  await using file = await open(draft, 'w', 0o600)
  await file.writeFile(`${JSON.stringify(keys, null, 2)}\n`)
  await file.sync()
  await rename(draft, path)
}
