import { Client } from 'pg'
import type { SealKey } from './seal.ts'

/** What makes a commit survive a crash of the machine. Off, an accepted event can be lost. */
const needed = ['fsync', 'synchronous_commit', 'full_page_writes'] as const

/**
 * Why the program must not run on a migrated database, each reason as a sentence: it would break
 * promise P1, or use up attempts with secrets that it cannot read. Tests of kills find none of it:
 * the operating system's cache survives them.
 */
export async function startProblems(
  databaseUrl: string,
  keys: readonly SealKey[],
): Promise<string[]> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    return [...(await durabilityProblems(client)), ...(await keyProblems(client, keys))]
  } finally {
    await client.end()
  }
}

async function durabilityProblems(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    '/* readDurability */ select name, setting from pg_settings where name = any($1::text[])',
    [needed],
  )
  return rows
    .filter(({ setting }) => setting === 'off')
    .map(({ name }) => `The database has ${name} = off: a crash could lose accepted events.`)
}

/** A sealed value begins with a byte for its version, the length of its key's id, and the id. */
async function keyProblems(client: Client, keys: readonly SealKey[]): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `/* readSealKeyIds */
     select distinct convert_from(substring(sealed from 3 for get_byte(sealed, 1)), 'LATIN1') as id
     from (select secret_sealed as sealed from endpoint_secret
           union all
           select headers_sealed from endpoint where headers_sealed is not null) all_sealed`,
  )
  return rows
    .filter(({ id }) => keys.every((key) => key.id !== id))
    .map(({ id }) => {
      return `POSTRIDER_ENCRYPTION_KEYS lacks the key "${id}", which sealed stored secrets.`
    })
}
