import { uuidFloor } from '../rules/id.ts'
import { deliveryColumns, type StoredDelivery } from './delivery.ts'
import type { DeliveryFilter } from './delivery-filter.ts'
import type { Read } from './reads.ts'
import type { Slice } from './slice.ts'

/** The deliveries of one workspace that fit. */
export type DeliverySelection = {
  readonly workspaceId: string
  readonly filter: DeliveryFilter
}

/** A page of the log, and where the feed goes on from it. */
export type DeliveryPage = {
  readonly rows: readonly StoredDelivery[]
  /**
   * Every change by a transaction below this one is in the rows: it was taken in the snapshot
   * that read them.
   */
  readonly fence: bigint
}

// The conditions are one text for all filters; see `readsOf` for why that costs nothing.
// Which index serves: by event, by endpoint, or by workspace, each in the order of the id.
// One endpoint is asked for apart from many: only equality gives rows in the index's order.
const fits = `workspace_id = $1
  and ($2::uuid is null or endpoint_id = $2)
  and ($3::uuid[] is null or endpoint_id = any($3))
  and ($4::uuid is null or event_id = $4)
  and ($5::text[] is null or event_type = any($5))
  and ($6::delivery_status[] is null or status = any($6))
  and ($7::delivery_trigger[] is null or trigger = any($7))
  and ($8::attempt_result[] is null or last_result = any($8))
  and ($9::int is null or last_status_code >= $9)
  and ($10::int is null or last_status_code <= $10)
  and ($11::uuid is null or id >= $11)
  and ($12::uuid is null or id < $12)`

function fitValues({ workspaceId, filter }: DeliverySelection): unknown[] {
  const [endpointId = null, ...others] = filter.endpointIds ?? []
  const isOne = endpointId !== null && others.length === 0
  return [
    workspaceId,
    isOne ? endpointId : null,
    isOne ? null : filter.endpointIds,
    filter.eventId,
    filter.eventTypes,
    filter.statuses,
    filter.triggers,
    filter.lastResults,
    filter.lastStatusCodeMin,
    filter.lastStatusCodeMax,
    filter.createdSince && uuidFloor(filter.createdSince.getTime()),
    filter.createdUntil && uuidFloor(filter.createdUntil.getTime()),
  ]
}

const listSql = (order: 'asc' | 'desc') => `/* listDeliveries */
  select snapshot.fence, delivery.*
  from (select pg_snapshot_xmin(pg_current_snapshot())::text as fence) snapshot
  left join lateral (
    select ${deliveryColumns} from delivery
    where ${fits} and id > $13 and id < $14
    order by id ${order} limit $15
  ) delivery on true
  order by delivery.id ${order}`

const listTexts = { newest: listSql('desc'), oldest: listSql('asc') }

/** One page of the log of deliveries. */
export async function listDeliveries(
  read: Read,
  selection: DeliverySelection,
  slice: Slice,
): Promise<DeliveryPage> {
  const rows = await read<(StoredDelivery | { id: null }) & { fence: string }>({
    text: listTexts[slice.order],
    values: [...fitValues(selection), slice.newerThan, slice.olderThan, slice.limit],
  })
  const found = rows.filter((row): row is StoredDelivery & { fence: string } => row.id !== null)
  return { rows: found, fence: BigInt(rows[0]?.fence ?? 0) }
}

/** How many deliveries fit; counting stops at `limit`. */
export async function countDeliveries(
  read: Read,
  selection: DeliverySelection,
  limit: number,
): Promise<number> {
  const [row] = await read<{ count: number }>({
    text: `/* countDeliveries */
      select count(*)::int as count
      from (select from delivery where ${fits} limit $13) delivery`,
    values: [...fitValues(selection), limit],
  })
  return row?.count ?? 0
}
