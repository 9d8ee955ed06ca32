import type { Queryable } from '../db.ts'
import type { AttemptTrigger } from '../rules/delivery-state.ts'

/** A delivery that waits for its next attempt, as a lane holds it. */
export type DueDelivery = {
  readonly deliveryId: string
  readonly workspaceId: string
  readonly endpointId: string
  readonly eventId: string
  readonly eventType: string
  readonly payloadText: string
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

/** One lane's wish for its next page: `pageSize` rows after the row it read last. */
export type PageWish = {
  readonly endpointId: string
  readonly workspaceId: string
  readonly after: DueKey
  readonly pageSize: number
}

export type DueKey = { readonly dueAt: Date; readonly deliveryId: string }

/** Before every row. */
export const dueStart: DueKey = {
  dueAt: new Date(0),
  deliveryId: '00000000-0000-0000-0000-000000000000',
}

/**
 * The pages of many lanes in one statement, each in the order of its key, up to `until`.
 * Starting after the last row read also skips the index entries of rows that are gone.
 */
export async function loadDue(
  db: Queryable,
  wishes: readonly PageWish[],
  until: Date,
): Promise<DueDelivery[]> {
  const { rows } = await db.query<DueDelivery>({
    name: 'loadDue',
    text: `/* loadDue */
      select due.delivery_id as "deliveryId", due.workspace_id as "workspaceId",
        due.endpoint_id as "endpointId", due.event_id as "eventId",
        event.event_type as "eventType", event.payload as "payloadText",
        due.due_at as "dueAt", due.held_until as "heldUntil",
        due.attempt_count as "attemptCount", due.failures, due.attempt_trigger as "attemptTrigger"
      from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::int[])
        with ordinality as lane (endpoint_id, workspace_id, after_at, after_id, page_size, place)
      cross join lateral (
        select * from due
        where due.endpoint_id = lane.endpoint_id and due.workspace_id = lane.workspace_id
          and (due.due_at, due.delivery_id) > (lane.after_at, lane.after_id)
          and due.due_at <= $6
        order by due.due_at, due.delivery_id
        limit lane.page_size
      ) due
      join event on event.id = due.event_id and event.workspace_id = due.workspace_id
      order by lane.place, due.due_at, due.delivery_id`,
    values: [
      wishes.map((wish) => wish.endpointId),
      wishes.map((wish) => wish.workspaceId),
      wishes.map((wish) => wish.after.dueAt.toISOString()),
      wishes.map((wish) => wish.after.deliveryId),
      wishes.map((wish) => wish.pageSize),
      until.toISOString(),
    ],
  })
  return rows
}

/**
 * Endpoints with work due by `until` that may be attempted. A skip scan: one index probe for each
 * endpoint, so that a backlog of a million rows in one parked lane costs one row. A duty of the
 * whole system, so it is the one read here that names no workspace.
 */
export async function findDueEndpoints(
  db: Queryable,
  { until, limit }: { until: Date; limit: number },
): Promise<string[]> {
  const { rows } = await db.query<{ endpoint_id: string }>({
    name: 'findDueEndpoints',
    text: `/* findDueEndpoints */
      with recursive head as (
        (select endpoint_id, workspace_id, due_at, held_until from due
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
      where head.due_at <= $1 and (head.held_until is null or head.held_until <= $1)
        and (endpoint.status = 'ENABLED' or endpoint.deleted_at is not null)
        and (health.parked_until is null or health.parked_until <= $1)
      limit $2`,
    values: [until.toISOString(), limit],
  })
  return rows.map((row) => row.endpoint_id)
}

/**
 * Cancels up to `limit` deliveries that wait for an endpoint that was deleted, and writes their
 * changes. Answers how many it was.
 */
export async function cancelDue(
  db: Queryable,
  lane: { endpointId: string; workspaceId: string; changeId: string; at: Date; limit: number },
): Promise<number> {
  const { rows } = await db.query<{ count: number }>({
    name: 'cancelDue',
    text: `/* cancelDue */
      with gone as (
        delete from due where endpoint_id = $1 and workspace_id = $2 and delivery_id in (
          select delivery_id from due where endpoint_id = $1 and workspace_id = $2
          order by due_at, delivery_id limit $5)
        returning delivery_id
      ), canceled as (
        update delivery set status = 'CANCELED', next_attempt_at = null, completed_at = $4
        from gone where delivery.id = gone.delivery_id and delivery.workspace_id = $2
        returning delivery.id, old.status as previous
      ), changed as (
        insert into change
          (id, workspace_id, changed_at, delivery_ids, statuses, previous_statuses, attempt_numbers)
        select $3, $2, $4, array_agg(id), array_agg('CANCELED'::delivery_status),
          array_agg(previous), array_agg(0::smallint)
        from canceled having count(*) > 0
      )
      select count(*)::int as count from gone`,
    values: [lane.endpointId, lane.workspaceId, lane.changeId, lane.at.toISOString(), lane.limit],
  })
  return rows[0]?.count ?? 0
}
