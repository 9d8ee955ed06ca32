import type { Queryable } from '../db.ts'

/** Where readers of the feed must stop, and where they could if nothing held them up. */
export type FeedFence = { readonly fence: string; readonly horizon: string }

/** The oldest transaction that still writes, anywhere in the server, and the next to begin. */
export async function readFeedFence(db: Queryable): Promise<FeedFence | null> {
  const { rows } = await db.query<FeedFence>(
    `/* readFeedFence */ select pg_snapshot_xmin(taken)::text as fence,
      pg_snapshot_xmax(taken)::text as horizon
    from pg_current_snapshot() taken`,
  )
  return rows[0] ?? null
}
