import type { Queryable } from '../db.ts'
import type { AttemptTrigger } from '../rules/delivery-state.ts'

/** A delivery that waits for its next attempt, without its event. */
export type DueRow = {
  readonly deliveryId: string
  readonly workspaceId: string
  readonly endpointId: string
  readonly eventId: string
  /** With endpoint and delivery the key of its row in `due`. */
  readonly dueAt: Date
  /** Of an ordered endpoint: not before this time, and nothing behind it either. */
  readonly heldUntil: Date | null
  /** Attempts made so far. Results are recorded only onto this count (D3). */
  readonly attemptCount: number
  /** Failed attempts since the start of the retry schedule. */
  readonly failures: number
  readonly attemptTrigger: AttemptTrigger
}

/** A delivery that waits for its next attempt, as a lane holds it. */
export type DueDelivery = DueRow & {
  /** One object for all deliveries of an event that were read or made together. */
  readonly event: DueEvent
}

/** One lane's wish for its next rows: those after the row it read last. */
export type DueWish = {
  readonly endpointId: string
  readonly workspaceId: string
  readonly after: DueKey
  readonly rowsMax: number
}

/** A row for a wish. */
export type WishedRow = DueRow & {
  /** Which wish it answers, from 1. */
  readonly place: number
}

/** A key of `due` within its lane: rows are read in this order. */
export type DueKey = { readonly dueAt: Date; readonly deliveryId: string }

/** Before every row. */
export const dueStart: DueKey = {
  dueAt: new Date(0),
  deliveryId: '00000000-0000-0000-0000-000000000000',
}

/**
 * The next rows of many lanes in one statement, each in the order of its key, up to `until`.
 * Starting after the last row read also skips the index entries of rows that are gone.
 */
export async function loadDue(
  db: Queryable,
  wishes: readonly DueWish[],
  until: Date,
): Promise<WishedRow[]> {
  const { rows } = await db.query<WishedRow>({
    name: 'loadDue',
    text: loadDueSql,
    values: [
      wishes.map((wish) => wish.endpointId),
      wishes.map((wish) => wish.workspaceId),
      wishes.map((wish) => wish.after.dueAt.toISOString()),
      wishes.map((wish) => wish.after.deliveryId),
      wishes.map((wish) => wish.rowsMax),
      until.toISOString(),
    ],
  })
  return rows
}

const loadDueSql = `/* loadDue */
select due.delivery_id as "deliveryId", due.workspace_id as "workspaceId",
  due.endpoint_id as "endpointId", due.event_id as "eventId", due.due_at as "dueAt",
  due.held_until as "heldUntil", due.attempt_count as "attemptCount", due.failures,
  due.attempt_trigger as "attemptTrigger", lane.place::int
from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::int[])
  with ordinality as lane (endpoint_id, workspace_id, after_at, after_id, rows_max, place)
cross join lateral (
  select * from due
  where due.endpoint_id = lane.endpoint_id and due.workspace_id = lane.workspace_id
    and (due.due_at, due.delivery_id) > (lane.after_at, lane.after_id)
    and due.due_at <= $6
  order by due.due_at, due.delivery_id
  limit lane.rows_max
) due`

/** What of an event its deliveries are made of. */
export type DueEvent = {
  readonly eventId: string
  readonly eventType: string
  /** Null: retention has removed the event, or somebody its payload. */
  readonly payloadText: string | null
  /** Of the span that published it; null: there is none. */
  readonly traceparent: string | null
}

/** Events in the order in which they are wanted, until their payloads pass `bytesMax`. */
export type EventsWish = {
  readonly events: readonly Pick<DueRow, 'eventId' | 'workspaceId'>[]
  readonly bytesMax: number
}

/**
 * Events of deliveries that wait, each once: the many deliveries of one event share its text.
 * Bytes are counted without reading a payload, since a long one's length is in the row. Those
 * after the one that passes the bound are left out.
 */
export async function readDueEvents(
  db: Queryable,
  { events, bytesMax }: EventsWish,
): Promise<DueEvent[]> {
  if (events.length === 0) return []
  const { rows } = await db.query<DueEvent>({
    name: 'readDueEvents',
    text: `/* readDueEvents */
      select id as "eventId", coalesce(event_type, '') as "eventType", payload as "payloadText",
        traceparent
      from (
        select wanted.id, event.event_type, event.payload, event.traceparent,
          sum(octet_length(event.payload)) over (order by place) - octet_length(event.payload)
            as bytes_before
        from unnest($1::uuid[], $2::uuid[]) with ordinality as wanted (id, workspace_id, place)
        left join event on event.id = wanted.id and event.workspace_id = wanted.workspace_id
      ) found
      where bytes_before is null or bytes_before <= $3`,
    values: [
      events.map((event) => event.eventId),
      events.map((event) => event.workspaceId),
      bytesMax,
    ],
  })
  return rows
}

/** Which endpoints to look through, from `after` on in the order of their ids. */
export type SweepWish = { readonly until: Date; readonly after: string; readonly limit: number }

/**
 * Endpoints with work due by `until` that may be attempted, and deleted ones whose work is to be
 * cancelled. A skip scan: one index probe for each
 * endpoint, so that a backlog of a million rows in one parked lane costs one row. Of an endpoint
 * that is not ordered no row holds back another (one may be left from when it was). A duty of the
 * whole system: it names no workspace.
 */
export async function findDueEndpoints(
  db: Queryable,
  { until, after, limit }: SweepWish,
): Promise<string[]> {
  const { rows } = await db.query<{ endpoint_id: string }>({
    name: 'findDueEndpoints',
    text: `/* findDueEndpoints */
      with recursive head as (
        (select endpoint_id, workspace_id, due_at, held_until from due
         where due.endpoint_id > $2
         order by endpoint_id, due_at, delivery_id limit 1)
        union all
        select next.* from head cross join lateral (
          select endpoint_id, workspace_id, due_at, held_until from due
          where due.endpoint_id > head.endpoint_id
          order by endpoint_id, due_at, delivery_id limit 1
        ) next
      )
      select head.endpoint_id
      from head
      join endpoint on endpoint.id = head.endpoint_id and endpoint.workspace_id = head.workspace_id
      left join endpoint_health health
        on health.endpoint_id = endpoint.id and health.workspace_id = endpoint.workspace_id
      where endpoint.deleted_at is not null or (
        endpoint.status = 'ENABLED' and head.due_at <= $1
        and (not endpoint.ordered or head.held_until is null or head.held_until <= $1)
        and (health.parked_until is null or health.parked_until <= $1))
      limit $3`,
    values: [until.toISOString(), after, limit],
  })
  return rows.map((row) => row.endpoint_id)
}

/** Which row of `due`, as it was loaded. */
export type LoadedDue = Pick<DueDelivery, 'deliveryId' | 'workspaceId' | 'endpointId' | 'dueAt'>

/**
 * Sets rows of `due` right that disagree with their delivery: its attempt count is copied, and a
 * row is removed whose delivery has ended or is gone. Such a row's results are refused again and
 * again, its requests sent for nothing. Two rare races leave one: a person's cancel and retry while
 * the result of the same delivery is being recorded, and retention. Others are left as they are.
 */
export async function mendDue(db: Queryable, rows: readonly LoadedDue[]): Promise<void> {
  await db.query({
    name: 'mendDue',
    text: mendDueSql,
    values: [
      rows.map((row) => row.endpointId),
      rows.map((row) => row.workspaceId),
      rows.map((row) => row.dueAt.toISOString()),
      rows.map((row) => row.deliveryId),
    ],
  })
}

const mendDueSql = `/* mendDue */
with doubted as materialized (
  select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[])
    as doubted (endpoint_id, workspace_id, due_at, delivery_id)
), held as materialized (
  select delivery.id, delivery.workspace_id, delivery.attempt_count,
    delivery.status in ('PENDING', 'RETRYING') as waits
  from doubted join delivery
    on delivery.id = doubted.delivery_id and delivery.workspace_id = doubted.workspace_id
  for update of delivery
), counted as (
  update due set attempt_count = held.attempt_count
  from doubted join held on held.id = doubted.delivery_id
  where due.endpoint_id = doubted.endpoint_id and due.workspace_id = doubted.workspace_id
    and due.due_at = doubted.due_at and due.delivery_id = doubted.delivery_id
    and held.waits and due.attempt_count <> held.attempt_count
)
delete from due using doubted left join held on held.id = doubted.delivery_id
where due.endpoint_id = doubted.endpoint_id and due.workspace_id = doubted.workspace_id
  and due.due_at = doubted.due_at and due.delivery_id = doubted.delivery_id
  and held.waits is not true`

/** The lane whose rows are meant. */
export type DueLane = { readonly endpointId: string; readonly workspaceId: string }

/**
 * Frees the rows that waited at the head of an ordered line: the endpoint is not ordered any more,
 * and each of its deliveries has its own time.
 */
export async function unholdDue(
  db: Queryable,
  { endpointId, workspaceId }: DueLane,
): Promise<void> {
  await db.query({
    name: 'unholdDue',
    text: `/* unholdDue */
      update due set due_at = held_until, held_until = null
      where endpoint_id = $1 and workspace_id = $2 and held_until is not null`,
    values: [endpointId, workspaceId],
  })
}

/**
 * Cancels up to `limit` deliveries that wait for an endpoint that was deleted, and writes their
 * changes. Answers how many it was. To be done again where it was overtaken, see conflict.ts.
 */
export async function cancelDue(
  db: Queryable,
  lane: { endpointId: string; workspaceId: string; changeId: string; at: Date; limit: number },
): Promise<number> {
  const { rows } = await db.query<{ count: number }>({
    name: 'cancelDue',
    text: `/* cancelDue */
      with waiting as materialized (
        select delivery_id, due_at from due where endpoint_id = $1 and workspace_id = $2
        order by due_at, delivery_id limit $5
      ), canceled as (
        update delivery set status = 'CANCELED', next_attempt_at = null, completed_at = $4
        -- In the order in which results lock theirs, or each could wait for the other.
        from (select delivery_id from waiting order by delivery_id) waiting
        where delivery.id = waiting.delivery_id and delivery.workspace_id = $2
          and delivery.status in ('PENDING', 'RETRYING')
        returning delivery.id, old.status as previous, age(old.xmin) < 0 as overtaken
      ), changed as (
        insert into change
          (id, workspace_id, changed_at, delivery_ids, statuses, previous_statuses, attempt_numbers)
        select $3, $2, $4, array_agg(id), array_agg('CANCELED'::delivery_status),
          array_agg(previous), array_agg(0::smallint)
        from canceled having count(*) > 0 and 1 / (not bool_or(overtaken))::int = 1
      ), gone as (
        -- The join has each delivery locked first, as everywhere.
        delete from due using waiting left join canceled on canceled.id = waiting.delivery_id
        where due.endpoint_id = $1 and due.workspace_id = $2
          and due.due_at = waiting.due_at and due.delivery_id = waiting.delivery_id
      )
      select count(*)::int as count from waiting`,
    values: [lane.endpointId, lane.workspaceId, lane.changeId, lane.at.toISOString(), lane.limit],
  })
  return rows[0]?.count ?? 0
}
