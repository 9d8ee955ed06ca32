import type { Pool } from '../../src/db.ts'

/** Resolves when a statement whose text holds this waits for a lock of another transaction. */
export async function untilBlocked(pool: Pool, statement: string): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ waits: boolean }>(
      `select exists (select from pg_stat_activity where datname = current_database()
         and wait_event_type = 'Lock' and strpos(query, $1) > 0 and pid <> pg_backend_pid())
       as waits`,
      [statement],
    )
    if (rows[0]?.waits) return
  }
}
