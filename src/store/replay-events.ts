import { uuidFloor } from '../rules/id.ts'
import { lowest } from './partition.ts'
import type { Read } from './reads.ts'
import type { ReplayTurn } from './replay-turn.ts'

/** An event that a replay looked at. */
export type SeenEvent = {
  readonly eventId: string
  readonly eventType: string
  readonly deliverAt: Date | null
  /** Whether it is one of those asked for. */
  readonly fits: boolean
}

/** Before every event of a time on. */
export function beforeEventsOf(since: Date): string {
  return lowest(uuidFloor(since.getTime()))
}

/**
 * The next events of a replay's time, oldest first, and which of them it is about. An event is
 * judged by its last delivery to the endpoint, so one that arrived by an earlier replay is not
 * failed any more, and one that still waits is left alone. A full replay takes what the endpoint
 * never got as well, but for the trials of others: their events are nobody else's. In both cases
 * an event is no longer meant once this replay has made a delivery of it.
 *
 * By events, not by deliveries: only so is the order that of publishing whatever was replayed
 * before. What retention or a purge has removed is gone, and fits nothing.
 */
export function readReplayEvents(
  read: Read,
  replay: Omit<ReplayTurn, 'turn' | 'endpointState'>,
  limit: number,
): Promise<SeenEvent[]> {
  return read({
    text: readReplayEventsSql,
    values: [
      ...[replay.workspaceId, replay.endpointId, replay.seenTo],
      uuidFloor(replay.until.getTime()),
      replay.eventTypes,
      replay.statuses,
      replay.isFull,
      uuidFloor(replay.createdAt.getTime()),
      limit,
    ],
  })
}

const readReplayEventsSql = `/* readReplayEvents */
select event.id as "eventId", event.event_type as "eventType", event.deliver_at as "deliverAt",
  event.is_there and ($5::text[] is null or event.event_type = any($5)) and case
    when latest.id is null then $7 and not exists (
      select from delivery trial
      where trial.event_id = event.id and trial.workspace_id = $1 and trial.id > event.id
        and trial.trigger = 'PING')
    else latest.trigger <> 'PING' and latest.status = any($6::delivery_status[]) and latest.id < $8
  end as fits
from (
  select id, event_type, deliver_at, payload is not null as is_there from event
  where workspace_id = $1 and id > $3 and id < $4
  order by id limit $9
) event
left join lateral (
  select id, status, trigger from delivery
  where delivery.event_id = event.id and delivery.workspace_id = $1
    and delivery.endpoint_id = $2 and delivery.id > event.id
  order by delivery.id desc limit 1
) latest on true
order by event.id`
