import { dayMs } from '../limits.ts'
import type { DeliveryStatus } from '../rules/delivery-state.ts'
import { uuidFloor, uuidTime } from '../rules/id.ts'
import type { Read } from './reads.ts'

/** A place in the feed's order: a row of `change`, and the last change of it that was read. */
export type ChangePosition = {
  readonly xid: bigint
  readonly id: string
  /** From 1; 0 is before the row's first change. */
  readonly index: number
}

/** The place after everything that a reader who saw this fence could see. */
export function positionAt(fence: bigint, now: Date): ChangePosition {
  return { xid: fence - 1n, id: uuidFloor(now.getTime()), index: 0 }
}

/** One change of one delivery's status. */
export type StoredChange = {
  readonly position: ChangePosition
  readonly workspaceId: string
  readonly deliveryId: string
  readonly status: DeliveryStatus
  /** Null: the delivery was created. */
  readonly previousStatus: DeliveryStatus | null
  /** Of the attempt that caused it; 0: none did. */
  readonly attemptNumber: number
  readonly changedAt: Date
}

/** Up to `limit` changes of one workspace after a place. */
export type ChangeWish = { readonly workspaceId: string; readonly after: ChangePosition }

/** What one statement of the feed found. */
export type ChangePage = {
  /** In the feed's order within each workspace. */
  readonly changes: readonly StoredChange[]
  /** Oldest transaction that still ran: everything below it was seen. */
  readonly fence: bigint
  /** First transaction that had not begun. */
  readonly horizon: bigint
}

type Row = { fence: string; horizon: string } & (
  | { workspaceId: null }
  | (Omit<StoredChange, 'position'> & { xid: string; id: string; index: number })
)

/**
 * A row's id is made before its transaction begins, so it may be older than its neighbours in the
 * feed's order, but never by a day: so long no batch is held back. Only partitions from there on
 * are looked at.
 */
const idLagMsMax = dayMs

/** The next changes of many workspaces in one statement, none from transactions that still run. */
export async function readChanges(
  read: Read,
  wishes: readonly ChangeWish[],
  limit: number,
): Promise<ChangePage> {
  const rows = await read<Row>({
    text: readChangesSql,
    values: [
      wishes.map(({ workspaceId }) => workspaceId),
      wishes.map(({ after }) => String(after.xid)),
      wishes.map(({ after }) => after.id),
      wishes.map(({ after }) => after.index),
      wishes.map(({ after }) => uuidFloor(uuidTime(after.id) - idLagMsMax)),
      limit,
    ],
  })
  const [first] = rows
  if (!first) throw new Error('The snapshot has no row.')
  return {
    changes: rows.flatMap((row) => (row.workspaceId === null ? [] : [changeOf(row)])),
    fence: BigInt(first.fence),
    horizon: BigInt(first.horizon),
  }
}

/** Where the feed ends now: the fence alone. */
export async function readFence(read: Read): Promise<bigint> {
  const [row] = await read<{ fence: string }>({
    text: '/* readFence */ select pg_snapshot_xmin(pg_current_snapshot())::text as fence',
    values: [],
  })
  if (!row) throw new Error('The snapshot has no row.')
  return BigInt(row.fence)
}

function changeOf(row: Exclude<Row, { workspaceId: null }>): StoredChange {
  const { xid, id, index, fence: _, horizon: __, ...change } = row
  return { ...change, position: { xid: BigInt(xid), id, index } }
}

const readChangesSql = `/* readChanges */
select snapshot.fence::text, snapshot.horizon::text, change.workspace_id as "workspaceId",
  change.xid::text, change.id, change.index::int, change.changed_at as "changedAt",
  change.delivery_id as "deliveryId", change.status, change.previous_status as "previousStatus",
  change.attempt_number as "attemptNumber"
from (
  select pg_snapshot_xmin(taken) as fence, pg_snapshot_xmax(taken) as horizon
  from pg_current_snapshot() taken
) snapshot
left join lateral (
  select wish.workspace_id, news.*
  from unnest($1::uuid[], $2::xid8[], $3::uuid[], $4::int[], $5::uuid[])
    as wish (workspace_id, xid, id, index, id_floor)
  cross join lateral (
    select change.xid, change.id, change.changed_at, item.*
    from change
    cross join lateral unnest(delivery_ids, statuses, previous_statuses, attempt_numbers)
      with ordinality
      as item (delivery_id, status, previous_status, attempt_number, index)
    where change.workspace_id = wish.workspace_id
      and (change.xid, change.id) >= (wish.xid, wish.id)
      and change.xid < snapshot.fence and change.id >= wish.id_floor
      and ((change.xid, change.id) > (wish.xid, wish.id) or item.index > wish.index)
    order by change.xid, change.id, item.index
    limit $6
  ) news
) change on true
order by change.workspace_id, change.xid, change.id, change.index`
