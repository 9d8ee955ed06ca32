import { Client } from 'pg'

/** What makes a commit survive a crash of the machine. Off, an accepted event can be lost. */
const needed = ['fsync', 'synchronous_commit', 'full_page_writes'] as const

/**
 * The settings of the database under which promise P1 would be a lie, each as a sentence. A test
 * of kills cannot find these: the operating system's cache survives them.
 */
export async function durabilityProblems(databaseUrl: string): Promise<string[]> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string; setting: string }>(
      '/* readDurability */ select name, setting from pg_settings where name = any($1::text[])',
      [needed],
    )
    return rows
      .filter(({ setting }) => setting === 'off')
      .map(({ name }) => `The database has ${name} = off: a crash could lose accepted events.`)
  } finally {
    await client.end()
  }
}
