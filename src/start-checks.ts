import { Client } from 'pg'
import { headerOf, headersContext, newSealer, secretContext, type SealKey } from './seal.ts'

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

async function keyProblems(client: Client, keys: readonly SealKey[]): Promise<string[]> {
  const problems = await missingKeyProblems(client, keys)
  for (const key of keys) {
    if (await opensNothing(client, key)) {
      problems.push(
        `The key "${key.id}" of POSTRIDER_ENCRYPTION_KEYS is not the one that sealed stored ` +
          'secrets under this id: put that one back, the same for all processes. ' +
          'A new key needs an id of its own.',
      )
    }
  }
  return problems
}

/**
 * A sealed value begins with a byte for its version, the length of its key's id, and the id. All
 * are looked at, since the old key of a single endpoint matters to it: 0.25 s for half a million.
 */
async function missingKeyProblems(client: Client, keys: readonly SealKey[]): Promise<string[]> {
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
      return (
        `POSTRIDER_ENCRYPTION_KEYS lacks the key "${id}", which sealed stored secrets: ` +
        'put it back, behind the one that encrypts. All processes share the same keys.'
      )
    })
}

type SealedText = { isSecret: boolean; workspaceId: string; id: string; sealed: Buffer }

/** One damaged row must not keep the program from starting, so a few are tried. */
const sealedTextsTried = 10

/** Whether there are texts that this key should open, and it opens none of those tried. */
async function opensNothing(client: Client, key: SealKey): Promise<boolean> {
  const header = headerOf(key.id)
  const { rows } = await client.query<SealedText>(
    `/* readSealedTexts */
     select true as "isSecret", workspace_id as "workspaceId", id, secret_sealed as sealed
     from endpoint_secret where substring(secret_sealed for $2) = $1
     union all
     select false, workspace_id, id, headers_sealed
     from endpoint where substring(headers_sealed for $2) = $1
     limit $3`,
    [header, header.length, sealedTextsTried],
  )
  const sealer = newSealer([key])
  return rows.length > 0 && rows.every((row) => !sealer.open(row.sealed, contextOf(row)).ok)
}

function contextOf({ isSecret, workspaceId, id }: SealedText): string {
  return isSecret ? secretContext(workspaceId, id) : headersContext(workspaceId, id)
}
