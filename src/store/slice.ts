/**
 * Which rows of a list to read: those with an id strictly between the bounds, `limit` of them
 * from one end. Ids are UUIDv7: their order is the order of creation.
 */
export type Slice = {
  readonly newerThan: string
  readonly olderThan: string
  readonly order: 'newest' | 'oldest'
  readonly limit: number
}

/** Bounds for a slice without any. */
export const beforeAllIds = '00000000-0000-0000-0000-000000000000'
/** See {@link beforeAllIds}. */
export const afterAllIds = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/**
 * The first and the last of some ids. Of a partitioned table only the days between are looked at;
 * of the ids alone PostgreSQL does not see which, when they are one parameter.
 */
export function boundsOf(ids: readonly string[]): [first: string, last: string] {
  const sorted = ids.toSorted()
  return [sorted[0] ?? afterAllIds, sorted.at(-1) ?? beforeAllIds]
}

/** A slice in the ORM's terms. */
export function sliced({ newerThan, olderThan, order, limit }: Slice) {
  return {
    where: { id: { $gt: newerThan, $lt: olderThan } },
    options: { orderBy: { id: order === 'newest' ? 'desc' : 'asc' }, limit },
  } as const
}
