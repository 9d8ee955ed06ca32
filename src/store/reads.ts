import { types } from 'pg'
import type { Database } from '../db.ts'

/** Runs one statement that reads, and answers its rows. */
export type Read = <Row>(statement: {
  /** Prepared under this name; only where its plan suits all values. */
  readonly name?: string
  readonly text: string
  readonly values: readonly unknown[]
}) => Promise<Row[]>

/**
 * Where the log is read: on the ORM's connections, which plan a statement anew for its values. A
 * filtered list has one text for every filter (`$3 is null or endpoint_id = any($3)`), and which
 * index and which partitions serve it follows from the values alone. The pool of the hot path
 * plans once and would walk the whole workspace. It also keeps lists from starving deliveries.
 */
export function readsOf(database: Database): Read {
  return async <Row>({ values, ...statement }: Parameters<Read>[0]) => {
    const connections = await database.orm.em.getConnection().getNativeClient()
    // The ORM reads times as text; these rows are read as the driver does.
    const { rows } = await connections.query({ ...statement, values: [...values], types })
    return rows as Row[]
  }
}

/** Reads on the connections of the hot path, for what is read many times a second. */
export function hotReadsOf({ pool }: Pick<Database, 'pool'>): Read {
  return async <Row>({ values, ...statement }: Parameters<Read>[0]) => {
    const { rows } = await pool.query({ ...statement, values: [...values] })
    return rows as Row[]
  }
}
