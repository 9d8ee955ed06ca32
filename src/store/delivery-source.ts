import type { DeliveryStatus } from '../rules/delivery-state.ts'
import type { DeliveryFilter } from './delivery-filter.ts'
import type { LogSpan } from './log-span.ts'
import { has, inDays } from './planned-once.ts'

/*
 * Five million deliveries of one workspace are not looked through for twenty: whatever the filter,
 * rows come from an index in which those that fit lie together, in the order of their ids. Which
 * index follows from the filter alone, and shows in the text: it is planned without its values.
 * Left to PostgreSQL it followed from statistics: it walked the workspace, newest first, until it
 * had enough, and 25 FAILED ones took 0.5 s, none 2 s.
 *
 * Each value that is asked for is read by itself, and what was read is merged: only equality gives
 * rows in the index's order. All other conditions are applied to the rows as they come.
 */

/** Whose lists: one page for each. */
export type ListOwner = 'workspace' | 'endpoint' | 'event'

/** Which index the rows come from. */
export type Source =
  | 'all'
  | 'endpoints'
  | 'types'
  | 'triggers'
  | 'rare'
  | 'rareOfEndpoints'
  | 'waiting'

/** In which order; null: in any. */
export type RowOrder = 'asc' | 'desc' | null

/** Kept in an index of their own; see `rare_status` in the migration. */
const rare: readonly DeliveryStatus[] = ['RETRYING', 'FAILED', 'CANCELED', 'SUPPRESSED']
/** Those that a delivery can have whose last attempt was no success. */
const afterFailure: readonly DeliveryStatus[] = ['RETRYING', 'FAILED', 'CANCELED']

/** What the statuses, results and codes of a filter leave of all statuses; null: all of them. */
export function statusesMeant(filter: DeliveryFilter): readonly DeliveryStatus[] | null {
  const { statuses, lastResults, lastStatusCodeMin: min, lastStatusCodeMax: max } = filter
  const noSuccess = lastResults !== null && !lastResults.includes('SUCCEEDED')
  const noSuccessCode = (min ?? 0) > 299 || (max ?? 999) < 200
  if (!noSuccess && !noSuccessCode) return statuses
  return statuses ? statuses.filter((status) => afterFailure.includes(status)) : afterFailure
}

/** The source that has the fewest rows to skip, as far as a filter tells. */
export function sourceFor(owner: ListOwner, filter: DeliveryFilter): Source {
  const { statuses, endpointIds, triggers, eventTypes } = filter
  if (owner === 'event') return 'all'
  const areRare = statuses?.every((status) => rare.includes(status)) ?? false
  if (areRare) return owner === 'workspace' && endpointIds ? 'rareOfEndpoints' : 'rare'
  if (statuses && !statuses.includes('SUCCEEDED')) return 'waiting'
  if (owner === 'endpoint') return 'all'
  if (triggers && !triggers.includes('EVENT')) return 'triggers'
  if (endpointIds) return 'endpoints'
  return eventTypes ? 'types' : 'all'
}

/** The conditions of every filter. */
const fits = `delivery.workspace_id = $1
  and ($2::uuid[] is null or delivery.endpoint_id = any($2))
  and ($3::uuid is null or delivery.event_id = $3)
  and ($4::text[] is null or delivery.event_type = any($4))
  and ($5::delivery_status[] is null or delivery.status = any($5))
  and ($6::delivery_trigger[] is null or delivery.trigger = any($6))
  and ($7::attempt_result[] is null or delivery.last_result = any($7))
  and ($8::int is null or delivery.last_status_code >= $8)
  and ($9::int is null or delivery.last_status_code <= $9)
  and delivery.id > $10::uuid and delivery.id < $11::uuid`

/** The owner's rows. A filter for other endpoints than the owner is seen before any is read. */
const ownKey: Readonly<Record<ListOwner, string>> = {
  workspace: 'true',
  endpoint: `${has('delivery.endpoint_id', 'owner.id')}
    and ($2::uuid[] is null or owner.id = any($2))`,
  event: has('delivery.event_id', 'owner.id'),
}

/** What rows are taken of: whose they are, from where, in which order. */
export type RowsWish = {
  readonly owner: ListOwner
  readonly source: Source
  readonly order: RowOrder
  readonly days: LogSpan
}

/** How a source's rows are found: a list of values, and what a row has of one of them. */
type Stream = readonly [from: string, key: string]

const streams: Readonly<Record<Exclude<Source, 'all' | 'waiting'>, Stream>> = {
  endpoints: ['unnest($2::uuid[]) as endpoint (id)', has('delivery.endpoint_id', 'endpoint.id')],
  types: ['unnest($4::text[]) as type (name)', has('delivery.event_type', 'type.name')],
  triggers: [
    'unnest($6::delivery_trigger[]) as wanted (trigger)',
    `${has('delivery.trigger', 'wanted.trigger')} and delivery.trigger <> 'EVENT'`,
  ],
  rare: [
    'unnest($5::delivery_status[]) as wanted (status)',
    has('delivery.rare_status', 'wanted.status'),
  ],
  rareOfEndpoints: [
    'unnest($2::uuid[]) as endpoint (id), unnest($5::delivery_status[]) as wanted (status)',
    `${has('delivery.endpoint_id', 'endpoint.id')}
      and ${has('delivery.rare_status', 'wanted.status')}`,
  ],
}

/**
 * The query for up to `$12` rows of `delivery`, as SQL. `owner.id` is from outside; a workspace's
 * rows have no other owner than `$1`.
 */
export function rowsSql(wish: RowsWish): string {
  const { source } = wish
  if (source === 'all') return keyedSql(wish, 'true')
  return source === 'waiting' ? waitingSql(wish) : mergedSql(wish, streams[source])
}

function keyedSql({ owner, order, days }: RowsWish, key: string): string {
  return `select delivery.* from delivery
    where ${fits} and ${ownKey[owner]} and ${key}
      and ${inDays('delivery.id', days)} ${endOf(order)}`
}

function mergedSql(wish: RowsWish, [from, key]: Stream): string {
  return `select found.* from ${from} cross join lateral (${keyedSql(wish, key)}) found
    ${endOf(wish.order)}`
}

function endOf(order: RowOrder): string {
  return order ? `order by id ${order} limit $12` : 'limit $12'
}

/** Of the newest rows, in search of those that wait, before these are sorted themselves. */
const nearRowsMax = 1_000

/**
 * What waits is in `due`, which has no index in the order of deliveries: that would cost each
 * delivery 5 % of its write-ahead log. Few rows are sorted at once; of a million that takes 0.3 s.
 * Where so many wait they are mostly the newest: a few rows are looked through first.
 */
function waitingSql(wish: RowsWish): string {
  const { owner, order, days } = wish
  const isOther = `${streams.rare[1]}
    and wanted.status not in ('PENDING', 'RETRYING')`
  const all = `select both_kinds.* from (
      (${dueSql(wish)}) union all (${mergedSql(wish, [streams.rare[0], isOther])})
    ) both_kinds ${endOf(order)}`
  if (!order) return all
  return `with near as materialized (
      select delivery.* from (
        select delivery.* from delivery
        where delivery.workspace_id = $1 and ${ownKey[owner]} and ${inDays('delivery.id', days)}
          and delivery.id > $10::uuid and delivery.id < $11::uuid
        order by id ${order} limit ${nearRowsMax}
      ) delivery
      where ${fits} ${endOf(order)}
    )
    select near.* from near where (select count(*) from near) >= $12
    union all
    select rest.* from (${all}) rest where (select count(*) from near) < $12`
}

/** Rows that wait, by their endpoints: each is joined to its delivery in the order wanted. */
function dueSql({ owner, order }: RowsWish): string {
  const dueOf = (endpointId: string) => `select due.delivery_id from due
    where due.endpoint_id = ${endpointId} and due.workspace_id = $1
      and due.delivery_id > $10::uuid and due.delivery_id < $11::uuid`
  const ofWorkspace = `select due.delivery_id from (
      select id from endpoint
      where endpoint.workspace_id = $1 and ($2::uuid[] is null or endpoint.id = any($2))
      order by endpoint.id
    ) endpoint
    cross join lateral (${dueOf('endpoint.id')} offset 0) due`
  const ids = owner === 'workspace' ? ofWorkspace : dueOf('owner.id')
  return `select found.* from (${ids} ${order ? `order by delivery_id ${order}` : ''}) due
    cross join lateral (
      select delivery.* from delivery where delivery.id = due.delivery_id and ${fits} offset 0
    ) found limit $12`
}
