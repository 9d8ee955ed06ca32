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
const fits = `workspace_id = $1
  and ($14::uuid is null or endpoint_id = $14) and ($2::uuid[] is null or endpoint_id = any($2))
  and ($3::uuid is null or event_id = $3)
  and ($4::text[] is null or event_type = any($4))
  and ($5::delivery_status[] is null or status = any($5))
  and ($6::delivery_trigger[] is null or trigger = any($6))
  and ($7::attempt_result[] is null or last_result = any($7))
  and ($8::int is null or last_status_code >= $8)
  and ($9::int is null or last_status_code <= $9)
  and ($10::uuid is null or id >= $10)
  and ($11::uuid is null or id < $11)`

function fitValues({ workspaceId, filter }: DeliverySelection): unknown[] {
  return [
    workspaceId,
    filter.endpointIds,
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
    where ${fits} and id > $12 and id < $13
    order by id ${order} limit $14
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
      from (select from delivery where ${fits} limit $12) delivery`,
    values: [...fitValues(selection), limit],
  })
  return row?.count ?? 0
}
