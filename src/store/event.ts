import { type LogSlice, type LogSpan, spanOf, within } from './log-span.ts'
import { has, inDays } from './planned-once.ts'
import type { Read } from './reads.ts'
import { boundsOf } from './slice.ts'

/** One published event, as stored, without its payload. When it was created is in its id. */
export type StoredEvent = {
  readonly id: string
  readonly workspaceId: string
  readonly eventType: string
  readonly idempotencyKey: string | null
  readonly occurredAt: Date
  readonly deliverAt: Date | null
  /** When its payload was removed at somebody's wish. */
  readonly payloadPurgedAt: Date | null
}

/** Which events are meant. All conditions hold together; null: any will do. */
export type EventFilter = {
  readonly eventTypes: readonly string[] | null
  readonly idempotencyKey: string | null
  /** Inclusive. */
  readonly createdSince: Date | null
  /** Exclusive. */
  readonly createdUntil: Date | null
}

/** The events of one workspace that fit. */
export type EventSelection = { readonly workspaceId: string; readonly filter: EventFilter }

const columns = `id, workspace_id as "workspaceId", event_type as "eventType",
  idempotency_key as "idempotencyKey", occurred_at as "occurredAt", deliver_at as "deliverAt",
  payload_purged_at as "payloadPurgedAt"`

/** Those of the given events that this workspace has, in no particular order. */
export function readEvents(
  read: Read,
  workspaceId: string,
  ids: readonly string[],
): Promise<StoredEvent[]> {
  return read({
    text: `/* readEvents */
      select ${columns} from event
      where workspace_id = $1 and id = any($2::uuid[]) and id between $3 and $4`,
    values: [workspaceId, ids, ...boundsOf(ids)],
  })
}

/** Apart from the rest of an event: a page of events can hold 25 MB of payloads. */
export async function readPayloads(
  read: Read,
  workspaceId: string,
  ids: readonly string[],
): Promise<{ id: string; payloadText: string | null }[]> {
  return read({
    text: `/* readPayloads */
      select id, payload as "payloadText" from event
      where workspace_id = $1 and id = any($2::uuid[]) and id between $3 and $4`,
    values: [workspaceId, ids, ...boundsOf(ids)],
  })
}

const fits = `event.workspace_id = $1
  and ($2::text[] is null or event.event_type = any($2))
  and ($3::text is null or event.idempotency_key = $3)
  and event.id > $4::uuid and event.id < $5::uuid`

/** Which rows, in which order: SQL. */
type RowsWish = { readonly filter: EventFilter; readonly days: LogSpan; readonly end: string }

// As for deliveries, the filter says which index the rows come from: see `delivery-source.ts`. A
// key is looked up where it is unique and has an index; the event's own column has none.
function rowsSql({ filter, days, end }: RowsWish): string {
  const rows = (key: string) => `select event.* from event
    where ${fits} and ${inDays('event.id', days)} and ${key} ${end}`
  if (filter.idempotencyKey !== null) {
    return rows(`event.id = (
      select event_id from idempotency_key where workspace_id = $1 and key = $3)`)
  }
  if (filter.eventTypes === null) return rows('true')
  return `select found.* from unnest($2::text[]) as type (name)
    cross join lateral (${rows(has('event.event_type', 'type.name'))}) found ${end}`
}

/** One page of the log of events. */
export function listEvents(
  read: Read,
  { workspaceId, filter }: EventSelection,
  slice: LogSlice,
): Promise<StoredEvent[]> {
  const { eventTypes, idempotencyKey, createdSince, createdUntil } = filter
  const end = `order by id ${slice.order === 'newest' ? 'desc' : 'asc'} limit $6`
  const rows = rowsSql({ filter, days: slice.days, end })
  const { newerThan, olderThan } = within(slice, spanOf(createdSince, createdUntil))
  return read({
    text: `/* listEvents */ select ${columns} from (${rows}) event ${end}`,
    values: [
      workspaceId,
      eventTypes && [...new Set(eventTypes)],
      idempotencyKey,
      newerThan,
      olderThan,
      slice.limit,
    ],
  })
}
