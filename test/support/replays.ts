import type { Pool } from '../../src/db.ts'
import { createLog } from '../../src/log.ts'
import { type ReplaysContext, takeReplayTurn } from '../../src/maintenance/replays.ts'
import { createTelemetry } from '../../src/telemetry.ts'
import type { Bundle } from './bundle.ts'
import type { Client, Json } from './client.ts'
import type { MovableClock } from './time.ts'

/** All that a replay shows of itself. */
export const replayFields =
  'replay { id status matched created createdAt completedAt endpoint { id } }'

/** Replays of a bundle that does not work on them by itself. */
export function replaysOf(bundle: Bundle, clock: MovableClock) {
  const { database, services } = bundle
  const context: ReplaysContext = {
    ...{ database, clock, log: createLog('silent'), telemetry: createTelemetry() },
    ...{ changed: services.hub.changed, added: () => {} },
  }
  return {
    /** One turn, if any replay wants one. */
    takeTurn: () => takeReplayTurn(context),
    /** This many turns, with time enough in between. */
    takeTurns: async (count: number) => {
      for (let n = 0; n < count; n++) {
        clock.advance(1)
        await takeReplayTurn(context)
      }
    },
  }
}

/** Begins a replay, which must be accepted. */
export async function startReplay(client: Client, input: object): Promise<Json> {
  const { replay, ...answer } = await client.mutate(
    'deliveriesReplay',
    { createdAt: {}, ...input },
    replayFields,
  )
  if (!replay) throw new Error(`The replay was refused: ${JSON.stringify(answer)}`)
  return replay
}

/** A replay as it is now. */
export async function readReplay(client: Client, id: string): Promise<Json> {
  const fields = 'id status matched created completedAt endpoint { id }'
  return (await client.ask(`query ($id: ID!) { replay(id: $id) { ${fields} } }`, { id })).replay
}

/** The events that were replayed to an endpoint and wait, in the order in which its lane reads. */
export async function replayedEvents(pool: Pool, endpointId: string): Promise<string[]> {
  const { rows } = await pool.query<{ event: string }>(
    `select due.event_id as event from due join delivery on delivery.id = due.delivery_id
      where due.endpoint_id = $1 and delivery.trigger = 'REPLAY' and delivery.status = 'PENDING'
      order by due.due_at, due.delivery_id`,
    [endpointId],
  )
  return rows.map(({ event }) => event)
}
