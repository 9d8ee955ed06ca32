import { Pool } from 'pg'
import { newUuid } from '../../src/rules/id.ts'
import type { BenchDatabase } from './database.ts'

/** The limit of publishing: rows of a bare table, on the server that the program uses. */
export type InsertLimit = AsyncDisposable & {
  /** One row with a payload, and its commit. */
  readonly insertOne: (payloadText: string) => Promise<void>
  /** Rows of four ids each in one statement, the first few with a payload, and its commit. */
  readonly insertMany: (rows: number, payloads: readonly string[]) => Promise<void>
}

/** As many connections as publishers; nothing is checked, found or woken. */
export async function openInsertLimit(
  { url, pool }: BenchDatabase,
  connections: number,
): Promise<InsertLimit> {
  await pool.query(
    `create table if not exists bare (
       id uuid primary key, workspace_id uuid, endpoint_id uuid, event_id uuid, payload text)`,
  )
  const bare = new Pool({ connectionString: url, max: connections })
  return {
    insertOne: async (payloadText) => {
      await bare.query({
        name: 'one',
        text: 'insert into bare (id, payload) values ($1, $2)',
        values: [newUuid(Date.now()), payloadText],
      })
    },
    insertMany: async (rows, payloads) => {
      const ids = Array.from({ length: rows }, () => newUuid(Date.now()))
      await bare.query({
        name: 'many',
        text: `insert into bare select id, id, id, id, payload
          from unnest($1::uuid[], $2::text[]) as new (id, payload)`,
        values: [ids, payloads],
      })
    },
    [Symbol.asyncDispose]: () => bare.end(),
  }
}

/** Runs `work` so many times, by so many at the same time. */
export async function repeat(
  work: () => Promise<void>,
  { times, together }: { times: number; together: number },
): Promise<void> {
  let left = times
  const worker = async () => {
    while (left-- > 0) await work()
  }
  await Promise.all(Array.from({ length: together }, worker))
}
