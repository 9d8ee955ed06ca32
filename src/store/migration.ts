import type { Queryable } from '../db.ts'

/** Names of the migrations that this database has had. Fails where there never was one. */
export async function listMigrations(db: Queryable): Promise<Set<string>> {
  const { rows } = await db.query<{ name: string }>(
    '/* listMigrations */ select name from migration',
  )
  return new Set(rows.map(({ name }) => name))
}
