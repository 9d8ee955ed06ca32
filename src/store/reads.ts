import { hash } from 'node:crypto'
import type { Database, Pool } from '../db.ts'

/** Runs one statement that reads, and answers its rows. */
export type Read = <Row>(statement: {
  readonly text: string
  readonly values: readonly unknown[]
}) => Promise<Row[]>

/**
 * Where the log is read: on connections of its own, so that lists starve neither deliveries nor
 * changes. Each text is planned once on each, see `planned-once.ts`, so one text must suit all its
 * values. Which index serves a filter shows in the text; which partitions, in the values, when it
 * runs: ids are compared with bounds, since a list of ids alone leaves out none. A plan has some
 * 300 KB, so texts are few: they differ by the kind of a filter, not by each of its conditions.
 */
export function readsOf({ logPool }: Pick<Database, 'logPool'>): Read {
  return readsOn(logPool)
}

/** Reads on the connections of the hot path, for what is read many times a second. */
export function hotReadsOf({ pool }: Pick<Database, 'pool'>): Read {
  return readsOn(pool)
}

function readsOn(pool: Pool): Read {
  return async <Row>({ text, values }: Parameters<Read>[0]) => {
    const { rows } = await pool.query({ name: nameOf(text), text, values: [...values] })
    return rows as Row[]
  }
}

/** Prepared statements are known by their names. A digest takes 3 µs. */
function nameOf(text: string): string {
  return hash('sha256', text, 'base64url')
}
