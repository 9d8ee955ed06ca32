import { dayMs } from '../limits.ts'
import { uuidTime } from '../rules/id.ts'
import { deliveryColumns, type StoredDelivery } from './delivery.ts'
import type { DeliveryFilter } from './delivery-filter.ts'
import { rowsSql, type RowsWish } from './delivery-rows.ts'
import { askedOf, type ListOwner, sourceFor, statusesMeant } from './delivery-source.ts'
import { anyDay, type LogSlice, type LogSpan, spanOf, within } from './log-span.ts'
import type { Read } from './reads.ts'
import { afterAllIds, beforeAllIds, type Slice } from './slice.ts'

/** The deliveries of one workspace that fit. */
export type DeliverySelection = {
  readonly workspaceId: string
  readonly filter: DeliveryFilter
}

/** The same for each of several endpoints or events of one workspace. */
export type OwnedSelection = DeliverySelection & {
  readonly owner: Exclude<ListOwner, 'workspace'>
  readonly ownerIds: readonly string[]
}

/** Where the feed goes on from what was read. */
type Fenced = {
  /**
   * Every change by a transaction below this one is in the rows: it was taken in the snapshot
   * that read them.
   */
  readonly fence: bigint
}

/** A page of the log, and where the feed goes on from it. */
export type DeliveryPage = Fenced & { readonly rows: readonly StoredDelivery[] }

/** One page for each owner that has any. */
export type OwnedPages = Fenced & {
  readonly rowsOf: ReadonlyMap<string, readonly StoredDelivery[]>
}

/** One page of the log of deliveries. */
export async function listDeliveries(
  read: Read,
  selection: DeliverySelection,
  slice: LogSlice,
): Promise<DeliveryPage> {
  const { fence, rowsOf } = await readPages(read, ownedBy(selection), slice)
  return { fence, rows: [...rowsOf.values()].flat() }
}

/** A page of each owner, all in one statement. */
export function listDeliveriesOf(
  read: Read,
  selection: OwnedSelection,
  slice: LogSlice,
): Promise<OwnedPages> {
  return readPages(read, selection, slice)
}

/** How many deliveries fit; counting stops at `limit`. */
export async function countDeliveries(
  read: Read,
  selection: DeliverySelection,
  limit: number,
): Promise<number> {
  const { owner, ownerIds, ...owned } = ownedBy(selection)
  const filter = { ...owned.filter, statuses: statusesMeant(owned.filter) }
  const rows = rowsSql({ ...wishFor(owner, filter), order: null, days: anyDay })
  const everything = { newerThan: beforeAllIds, olderThan: afterAllIds }
  const [row] = await read<{ count: number }>({
    text: `/* countDeliveries */
      select count(*)::int as count from unnest($13::uuid[]) as owner (id)
      cross join lateral (${rows}) delivery`,
    values: values({ ...owned, filter }, { ...everything, limit }, ownerIds),
  })
  return row?.count ?? 0
}

type Owned = DeliverySelection & {
  readonly owner: ListOwner
  readonly ownerIds: readonly string[]
}

/** A list of one event or of one endpoint has the index of these. */
function ownedBy(selection: DeliverySelection): Owned {
  const { workspaceId, filter } = selection
  const [endpointId, ...others] = unique(filter.endpointIds) ?? []
  if (filter.eventId !== null) return { ...selection, owner: 'event', ownerIds: [filter.eventId] }
  if (endpointId === undefined || others.length > 0) {
    return { ...selection, owner: 'workspace', ownerIds: [workspaceId] }
  }
  return { ...selection, owner: 'endpoint', ownerIds: [endpointId] }
}

async function readPages(
  read: Read,
  { owner, ownerIds, ...selection }: Owned,
  slice: LogSlice,
): Promise<OwnedPages> {
  const filter = { ...selection.filter, statuses: statusesMeant(selection.filter) }
  const part = owner === 'event' ? within(slice, sinceEvents(ownerIds)) : slice
  const order = slice.order === 'newest' ? 'desc' : 'asc'
  const rows = await read<(StoredDelivery | { id: null }) & { fence: string; ownerId: string }>({
    text: listSql({ ...wishFor(owner, filter), order, days: slice.days }),
    values: values({ ...selection, filter }, part, ownerIds),
  })
  const found = rows.filter((row): row is (typeof rows)[number] & StoredDelivery => row.id !== null)
  return {
    rowsOf: Map.groupBy(found, (row) => row.ownerId),
    fence: BigInt(rows[0]?.fence ?? 0),
  }
}

function wishFor(owner: ListOwner, filter: DeliveryFilter) {
  return { owner, source: sourceFor(owner, filter), asked: askedOf(filter) }
}

/**
 * No delivery is older than its event, give or take what a clock was set back: the days before are
 * not looked through. 20 events' deliveries took 47 ms in 38 days.
 */
function sinceEvents(ids: readonly string[]): LogSpan {
  const first = Math.min(...ids.map(uuidTime))
  return spanOf(new Date(first - dayMs), null)
}

/** A row without a delivery says only where the feed goes on. */
function listSql(wish: RowsWish): string {
  return `/* listDeliveries */
    select snapshot.fence, owner.id as "ownerId", delivery.*
    from (select pg_snapshot_xmin(pg_current_snapshot())::text as fence) snapshot
    cross join unnest($13::uuid[]) as owner (id)
    left join lateral (
      select ${deliveryColumns} from (${rowsSql(wish)}) delivery
    ) delivery on true
    order by owner.id, delivery.id ${wish.order}`
}

function values(
  { workspaceId, filter }: DeliverySelection,
  slice: Pick<Slice, 'newerThan' | 'olderThan' | 'limit'>,
  ownerIds: readonly string[],
): unknown[] {
  const { newerThan, olderThan } = within(slice, spanOf(filter.createdSince, filter.createdUntil))
  return [
    workspaceId,
    unique(filter.endpointIds),
    filter.eventId,
    unique(filter.eventTypes),
    unique(filter.statuses),
    unique(filter.triggers),
    filter.lastResults,
    filter.lastStatusCodeMin,
    filter.lastStatusCodeMax,
    newerThan,
    olderThan,
    slice.limit,
    ownerIds,
  ]
}

/** Each value is read by itself: one that is given twice would be found twice. */
function unique<Value>(list: readonly Value[] | null): Value[] | null {
  return list && [...new Set(list)]
}
