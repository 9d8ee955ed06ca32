import type { Queryable } from '../db.ts'
import type { ReplayStatus } from '../model/replay.ts'
import type { DeliveryStatus } from '../rules/delivery-state.ts'

/** A replay whose turn is ours: nobody else works on it until `replayTurnMsMax` has passed. */
export type ReplayTurn = {
  readonly id: string
  readonly workspaceId: string
  readonly endpointId: string
  readonly endpointState: 'ENABLED' | 'DISABLED' | 'DELETED'
  readonly until: Date
  readonly statuses: readonly DeliveryStatus[]
  readonly eventTypes: readonly string[] | null
  readonly isFull: boolean
  readonly since: Date
  readonly matched: number
  readonly created: number
  readonly createdAt: Date
  readonly isCounted: boolean
  readonly seenTo: string
  readonly sliceSize: number
  readonly slicedAt: Date | null
  /** Fences what is written of this turn. */
  readonly turn: number
}

/**
 * Takes the next turn of a running replay of any workspace, the one that has waited longest. A duty
 * of the whole system: it names no workspace. A dead owner's replay comes round again at
 * `nextTurnAt`.
 */
export async function claimReplayTurn(
  db: Queryable,
  { at, nextTurnAt }: { readonly at: Date; readonly nextTurnAt: Date },
): Promise<ReplayTurn | null> {
  const { rows } = await db.query<ReplayTurn>({
    name: 'claimReplayTurn',
    text: `/* claimReplayTurn */
      update replay set turn = turn + 1, next_turn_at = $2
      from (
        select replay.id, replay.workspace_id,
          case when endpoint.deleted_at is not null then 'DELETED' else endpoint.status::text end
            as endpoint_state
        from replay
        join endpoint
          on endpoint.id = replay.endpoint_id and endpoint.workspace_id = replay.workspace_id
        where replay.status = 'RUNNING' and replay.next_turn_at <= $1
        order by replay.next_turn_at limit 1
        for update of replay skip locked
      ) mine
      where replay.id = mine.id and replay.workspace_id = mine.workspace_id
      returning replay.id, replay.workspace_id as "workspaceId",
        replay.endpoint_id as "endpointId", mine.endpoint_state as "endpointState", replay.until,
        replay.statuses::text[], replay.event_types as "eventTypes", replay.is_full as "isFull",
        replay.since, replay.matched, replay.created, replay.created_at as "createdAt",
        replay.is_counted as "isCounted", replay.seen_to as "seenTo",
        replay.slice_size as "sliceSize", replay.sliced_at as "slicedAt", replay.turn`,
    values: [at.toISOString(), nextTurnAt.toISOString()],
  })
  return rows[0] ?? null
}

/** How many deliveries of an endpoint, due by `until`, wait for an attempt; up to `limit`. */
export async function countUnattempted(
  db: Queryable,
  lane: { endpointId: string; workspaceId: string; until: Date; limit: number },
): Promise<number> {
  const { rows } = await db.query<{ count: number }>({
    name: 'countUnattempted',
    text: `/* countUnattempted */
      select count(*)::int as count from (
        select from due where endpoint_id = $1 and workspace_id = $2 and due_at <= $3 limit $4
      ) waiting`,
    values: [lane.endpointId, lane.workspaceId, lane.until.toISOString(), lane.limit],
  })
  return rows[0]?.count ?? 0
}

/** A delivery that a replay makes. */
export type ReplayedDelivery = {
  readonly deliveryId: string
  readonly eventId: string
  readonly eventType: string
  readonly dueAt: Date
}

/** What a turn leaves behind. */
export type TurnEnd = {
  readonly status: ReplayStatus
  readonly matched: number
  readonly isCounted: boolean
  readonly seenTo: string
  readonly sliceSize: number
  readonly slicedAt: Date | null
  readonly nextTurnAt: Date
  readonly deliveries: readonly ReplayedDelivery[]
  /** Id of the feed's row. */
  readonly changeId: string
  readonly at: Date
}

/**
 * Ends a turn: its deliveries, their work and their changes, and how far it came, in one statement,
 * all or nothing. So whoever is killed, whenever, no event is passed over or delivered twice.
 * False: the replay was canceled, or somebody else took over; nothing is written then.
 */
export async function storeReplayTurn(
  db: Queryable,
  { id, workspaceId, turn }: Pick<ReplayTurn, 'id' | 'workspaceId' | 'turn'>,
  end: TurnEnd,
): Promise<boolean> {
  const { rows } = await db.query<{ count: number }>({
    name: 'storeReplayTurn',
    text: storeReplayTurnSql,
    values: [
      ...[id, workspaceId, turn, end.status, end.matched, end.isCounted, end.seenTo, end.sliceSize],
      end.slicedAt?.toISOString() ?? null,
      end.nextTurnAt.toISOString(),
      end.changeId,
      end.at.toISOString(),
      end.deliveries.map(({ deliveryId }) => deliveryId),
      end.deliveries.map(({ eventId }) => eventId),
      end.deliveries.map(({ eventType }) => eventType),
      end.deliveries.map(({ dueAt }) => dueAt.toISOString()),
    ],
  })
  return rows[0]?.count === 1
}

// Events are locked: one that is being purged is waited for and left out, and a purge that comes
// later finds the delivery.
const storeReplayTurnSql = `/* storeReplayTurn */
with there as materialized (
  select id from event
  where workspace_id = $2 and id = any($14::uuid[]) and payload is not null
  for share
), stored as (
  update replay set status = $4::replay_status, matched = $5, is_counted = $6, seen_to = $7,
    slice_size = $8, sliced_at = $9::timestamptz, next_turn_at = $10::timestamptz,
    completed_at = case when $4::replay_status <> 'RUNNING' then $12::timestamptz end,
    created = created + (select count(*) from there)
  where id = $1 and workspace_id = $2 and turn = $3 and status = 'RUNNING'
  returning workspace_id, endpoint_id
), entry as materialized (
  select made.*, stored.workspace_id, stored.endpoint_id
  from stored
  cross join unnest($13::uuid[], $14::uuid[], $15::text[], $16::timestamptz[])
    as made (id, event_id, event_type, due_at)
  join there on there.id = made.event_id
), new_delivery as (
  insert into delivery
    (id, workspace_id, endpoint_id, event_id, event_type, status, trigger, next_attempt_at)
  select id, workspace_id, endpoint_id, event_id, event_type, 'PENDING', 'REPLAY', due_at
  from entry
), new_due as (
  insert into due
    (endpoint_id, due_at, delivery_id, workspace_id, event_id,
     attempt_count, failures, attempt_trigger)
  select endpoint_id, due_at, id, workspace_id, event_id, 0, 0, 'SCHEDULED' from entry
), told as (
  insert into change
    (id, workspace_id, changed_at, delivery_ids, statuses, previous_statuses, attempt_numbers)
  select $11::uuid, workspace_id, $12::timestamptz, array_agg(id),
    array_agg('PENDING'::delivery_status), array_agg(null::delivery_status),
    array_agg(0::smallint)
  from entry group by workspace_id
)
select count(*)::int as count from stored`
