import { afterEach, beforeEach, expect, test } from 'vitest'
import { inTransaction } from '../../src/db.ts'
import { replayRestMsMax } from '../../src/limits/replays.ts'
import { publicId } from '../../src/rules/id.ts'
import { untilBlocked } from '../support/blocked.ts'
import { type Bundle, openBundle } from '../support/bundle.ts'
import { type LogTenant, newLogTenant } from '../support/log-tenant.ts'
import { readReplay, replayedEvents, replaysOf, startReplay } from '../support/replays.ts'
import { stillClock } from '../support/time.ts'

/* What a replay waits for: an endpoint that takes nothing, and a purge under way. */

const clock = stillClock()
let bundle: Bundle
let turns: ReturnType<typeof replaysOf>
let tenant: LogTenant

beforeEach(async () => {
  bundle = await openBundle({ clock })
  turns = replaysOf(bundle, clock)
  tenant = await newLogTenant(bundle)
})

afterEach(() => bundle[Symbol.asyncDispose]())

/** Begins a replay of events that were missed, and has it count them. */
async function startCounted(count: number): Promise<{ id: string; eventIds: string[] }> {
  const eventIds: string[] = []
  for (let n = 0; n < count; n++) {
    const { event } = await tenant.deliver({ status: 'SUPPRESSED', at: clock.now() })
    eventIds.push(event.eventId)
  }
  clock.advance(1)
  const endpointId = publicId('wh', tenant.endpoint)
  const { id } = await startReplay(tenant.client, { endpointId, statuses: ['SUPPRESSED'] })
  await turns.takeTurns(1)
  return { id, eventIds }
}

test('the longer an endpoint is disabled, the rarer its replay looks', async () => {
  const { id } = await startCounted(1)
  const endpointId = publicId('wh', tenant.endpoint)
  await tenant.client.mutate('endpointDisable', { id: endpointId })
  await turns.takeTurns(2)
  clock.advance(3600)
  expect(await turns.takeTurn()).toBe(true)
  clock.advance(replayRestMsMax / 1000 - 1)
  expect(await turns.takeTurn()).toBe(false)
  await tenant.client.mutate('endpointEnable', { id: endpointId })
  await turns.takeTurns(1)
  expect(await readReplay(tenant.client, id)).toMatchObject({ status: 'COMPLETED', created: 1 })
})

test('an event that is purged during a turn is left out', async () => {
  const { id, eventIds } = await startCounted(2)
  const { pool } = bundle.database
  const [purged] = eventIds
  let turn = Promise.resolve()
  await inTransaction(pool, async (client) => {
    await client.query('update event set payload = null where id = $1', [purged])
    turn = turns.takeTurns(1)
    await untilBlocked(pool, 'storeReplayTurn')
  })
  await turn
  expect(await replayedEvents(pool, tenant.endpoint)).toEqual(eventIds.slice(1))
  expect(await readReplay(tenant.client, id)).toMatchObject({ matched: 2, created: 1 })
})
