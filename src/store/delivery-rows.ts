import type { askedOf, ListOwner, Source } from './delivery-source.ts'
import type { LogSpan } from './log-span.ts'
import { pendingSql } from './pending-rows.ts'
import { has, inDays } from './planned-once.ts'

/** The conditions of every filter. */
const fits = `($2::uuid[] is null or delivery.endpoint_id = any($2))
  and ($3::uuid is null or delivery.event_id = $3)
  and ($4::text[] is null or delivery.event_type = any($4))
  and ($5::delivery_status[] is null or delivery.status = any($5))
  and ($6::delivery_trigger[] is null or delivery.trigger = any($6))
  and ($7::attempt_result[] is null or delivery.last_result = any($7))
  and ($8::int is null or delivery.last_status_code >= $8)
  and ($9::int is null or delivery.last_status_code <= $9)
  and delivery.id > $10::uuid and delivery.id < $11::uuid`

/** The same for one that asks nothing, so that rows are counted in an index alone. */
const fitsAny = `delivery.id > $10::uuid and delivery.id < $11::uuid
  and num_nulls($2::uuid[], $3::uuid, $4::text[], $5::delivery_status[], $6::delivery_trigger[],
    $7::attempt_result[], $8::int, $9::int) = 8`

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
  readonly asked: ReturnType<typeof askedOf>
  /** Null: they are counted, and have only their ids. */
  readonly order: 'asc' | 'desc' | null
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
  if (source !== 'waiting') return mergedSql(wish, streams[source])
  return `select both_kinds.* from (${waitingSql(wish)}) both_kinds ${endOf(wish.order)}`
}

/** Of the statuses that are wanted beside PENDING all are rare. An event's list needs no source. */
function waitingSql(wish: RowsWish): string {
  const [from, key] = streams.rare
  const others = mergedSql(wish, [from, `${key} and wanted.status <> 'PENDING'`])
  const owner = wish.owner === 'endpoint' ? 'endpoint' : 'workspace'
  const isPlain = wish.asked !== 'more'
  return `(${pendingSql({ ...wish, owner, isPlain, fits })}) union all (${others})`
}

function keyedSql({ owner, asked, order, days }: RowsWish, key: string): string {
  const columns = order ? 'delivery.*' : 'delivery.id'
  return `select ${columns} from delivery
    where delivery.workspace_id = $1 and ${ownKey[owner]} and ${key}
      and ${asked === 'nothing' ? fitsAny : fits}
      and ${inDays('delivery.id', days)} ${endOf(order)}`
}

function mergedSql(wish: RowsWish, [from, key]: Stream): string {
  return `select found.* from ${from} cross join lateral (${keyedSql(wish, key)}) found
    ${endOf(wish.order)}`
}

function endOf(order: RowsWish['order']): string {
  return order ? `order by id ${order} limit $12` : 'limit $12'
}
