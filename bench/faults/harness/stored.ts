import { publicId, uuidOf } from '../../../src/rules/id.ts'
import type { Postgres } from './postgres.ts'

/** A delivery as the database has it. */
export type StoredDelivery = {
  readonly eventId: string
  readonly endpointId: string
  readonly status: string
  readonly attemptCount: number
  /** Attempts in the log. */
  readonly attempts: number
  /** A row in `due` stands for it. */
  readonly isDue: boolean
}

/** All that the database knows after a run, with public ids. */
export type Stored = {
  readonly eventIds: readonly string[]
  readonly deliveries: readonly StoredDelivery[]
}

export async function readStored(postgres: Postgres): Promise<Stored> {
  const events = await postgres.query<{ id: string }>('select id from event')
  const deliveries = await postgres.query<StoredDelivery>(
    `select event_id as "eventId", endpoint_id as "endpointId", status,
       attempt_count as "attemptCount", (
         select count(*)::int from attempt
         where attempt.delivery_id = delivery.id and attempt.workspace_id = delivery.workspace_id
       ) as attempts,
       exists (
         select from due
         where due.endpoint_id = delivery.endpoint_id and due.delivery_id = delivery.id
       ) as "isDue"
     from delivery`,
  )
  return {
    eventIds: events.map(({ id }) => publicId('evt', id)),
    deliveries: deliveries.map((delivery) => ({
      ...delivery,
      eventId: publicId('evt', delivery.eventId),
      endpointId: publicId('wh', delivery.endpointId),
    })),
  }
}

/** Deliveries that wait for an attempt. */
export async function countDue(postgres: Postgres): Promise<number> {
  const [row] = await postgres.query<{ count: number }>('select count(*)::int as count from due')
  return row?.count ?? 0
}

/** As the database has it. */
export function uuidOfEndpoint(publicText: string): string {
  return uuidOf('wh', publicText) ?? ''
}
