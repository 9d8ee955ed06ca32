/*
 * PENDING deliveries are found by their rows in `due`, which has no index in the order of
 * deliveries: that would cost each of them 5 % of its write-ahead log. But nearly all are due at
 * the time in their id, and so lie in the order of their ids in each endpoint's part of the lane's
 * own key. The first of each endpoint are merged: a page of a million takes as long as one of a
 * thousand, where sorting them took 0.7 s. Those that are due at another time, published for later
 * or put off, are in an index of their own, `due_out_of_line`, which costs nothing but them.
 */

/** Whose PENDING deliveries are wanted, and how. */
export type PendingWish = {
  readonly owner: 'workspace' | 'endpoint'
  /** Whether rows of `due` tell which deliveries fit; otherwise each is looked at. */
  readonly isPlain: boolean
  /** Null: they are counted, and have only their ids. */
  readonly order: 'asc' | 'desc' | null
  /** The conditions for a row of `delivery`. */
  readonly fits: string
}

/** The query for up to `$12` of them; parameters are those of `delivery-rows.ts`. */
export function pendingSql(wish: PendingWish): string {
  const { owner, isPlain, order } = wish
  const from = `${endpointsOf[owner]} endpoint cross join lateral`
  if (!order && isPlain) return `select due.id from ${from} (${dueSql} limit $12) due limit $12`
  if (!order) return `select found.* from ${from} (${joinedSql(wish, dueSql)}) found limit $12`
  const [line, others] = [lineSql(order), `${outOfLineSql} order by delivery_id ${order}`]
  if (!isPlain) {
    return `select found.* from ${from} (
        (${joinedSql(wish, line)}) union all (${joinedSql(wish, others)})
      ) found`
  }
  const ids = `select due.id from ${from} ((${line} limit $12) union all (${others} limit $12)) due
    order by due.id ${order}`
  return joinedSql(wish, ids)
}

const endpointsOf = {
  workspace: `(
    select id from endpoint
    where endpoint.workspace_id = $1 and ($2::uuid[] is null or endpoint.id = any($2))
  )`,
  endpoint: '(select owner.id where $2::uuid[] is null or owner.id = any($2))',
} as const

// One that was attempted is RETRYING.
const dueSql = `select due.delivery_id as id from due
  where due.endpoint_id = endpoint.id and due.workspace_id = $1 and due.attempt_count = 0
    and due.delivery_id > $10::uuid and due.delivery_id < $11::uuid`

const outOfLineSql = `${dueSql} and due.due_at <> uuid_extract_timestamp(due.delivery_id)`

/** Bare equality would seem so rare that all rows of the endpoint are sorted: 60 ms, not 2. */
function lineSql(order: 'asc' | 'desc'): string {
  return `${dueSql} and coalesce(due.due_at = uuid_extract_timestamp(due.delivery_id), false)
    and due.due_at between ${timeOf('$10')} and ${timeOf('$11')}
    order by due.due_at ${order}, due.delivery_id ${order}`
}

/** Of any UUID, also one of the bounds that have no version. */
function timeOf(id: string): string {
  const digits = `replace(left(${id}::uuid::text, 13), '-', '')`
  return `to_timestamp(('x' || ${digits})::bit(48)::bigint / 1000.0)`
}

/** The deliveries of these ids, in their order. */
function joinedSql({ order, fits }: PendingWish, ids: string): string {
  const columns = order ? 'delivery.*' : 'delivery.id'
  return `select found.* from (${ids}) due
    cross join lateral (
      select ${columns} from delivery
      where delivery.id = due.id and delivery.workspace_id = $1 and ${fits} offset 0
    ) found limit $12`
}
