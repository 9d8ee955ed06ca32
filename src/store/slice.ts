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

/** A slice in the ORM's terms. */
export function sliced({ newerThan, olderThan, order, limit }: Slice) {
  return {
    where: { id: { $gt: newerThan, $lt: olderThan } },
    options: { orderBy: { id: order === 'newest' ? 'desc' : 'asc' }, limit },
  } as const
}
