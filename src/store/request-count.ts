import type { Queryable } from '../db.ts'

/** Requests to count for one key. */
export type Wanted = { readonly keyId: string; readonly requests: number }

/** Where a key stands, those that were just counted included. */
export type Counted = { readonly keyId: string; readonly minute: Date; readonly used: number }

/**
 * Counts requests of several keys, each at most once in the list. A process whose clock is behind
 * counts into the minute that another one has begun: none goes back. Rows are locked in one order,
 * so that processes wait for each other and never in a circle.
 */
export async function countRequests(
  db: Queryable,
  minute: Date,
  wanted: readonly Wanted[],
): Promise<Counted[]> {
  const { rows } = await db.query<Counted>({
    name: 'countRequests',
    text: countRequestsSql,
    values: [minute, wanted.map(({ keyId }) => keyId), wanted.map(({ requests }) => requests)],
  })
  return rows
}

/** Prepared once, 0.03 ms of the database; planned each time it took 0.2 ms. */
const countRequestsSql = `/* countRequests */
  insert into api_request_count as counted (key_id, minute, used)
  select key_id, $1, requests
  from unnest($2::uuid[], $3::integer[]) as wanted (key_id, requests)
  order by key_id
  on conflict (key_id) do update set
    minute = greatest(counted.minute, excluded.minute),
    used = excluded.used
      + case when counted.minute < excluded.minute then 0 else counted.used end
  returning key_id as "keyId", minute, used`

/** Forgets keys that have made no request since `before`: many were revoked or are gone. */
export async function deleteOldRequestCounts(db: Queryable, before: Date): Promise<void> {
  await db.query('/* deleteOldRequestCounts */ delete from api_request_count where minute < $1', [
    before.toISOString(),
  ])
}
