import { expect, test } from 'vitest'
import { createLog } from '../../src/log.ts'
import { disableFailing } from '../../src/maintenance/auto-disable.ts'
import { FanOut } from '../../src/pipeline/fan-out.ts'
import { createTell } from '../../src/pipeline/tell.ts'
import { startPlatform } from '../support/platform.ts'
import { startReceiver } from '../support/receiver.ts'
import { movableClock } from '../support/time.ts'

const dayS = 86_400

test('an endpoint that fails for five days is disabled', async () => {
  const clock = movableClock()
  await using receiver = await startReceiver(500)
  await using platform = await startPlatform({ clock })
  const { id } = await platform.addEndpoint(receiver.url)
  await platform.publish()
  await platform.watch.untilStatus('RETRYING')

  clock.advance(5 * dayS - 3_600)
  await duty(platform, clock)
  expect(await endpoint(platform, id)).toMatchObject({ status: 'ENABLED' })

  clock.advance(2 * 3_600)
  await duty(platform, clock)
  expect(await endpoint(platform, id)).toMatchObject({
    status: 'DISABLED',
    disabledReason: 'FAILING',
  })
  expect(await noted(platform, id)).toEqual({
    ...{ actor: { type: 'SYSTEM', apiKeyId: null } },
    before: { status: 'ENABLED', disabledReason: null },
    after: { status: 'DISABLED', disabledReason: 'FAILING' },
  })
  const { eventId } = await platform.publish()
  const missed = (await platform.deliveries()).filter(({ event }) => event.id === eventId)
  expect(missed).toMatchObject([{ status: 'SUPPRESSED' }])
})

test('one success in five days keeps an endpoint enabled', async () => {
  const clock = movableClock()
  await using receiver = await startReceiver(500)
  await using platform = await startPlatform({ clock })
  const { id } = await platform.addEndpoint(receiver.url, { retrySchedule: [1] })
  await platform.publish()
  await platform.watch.untilStatus('RETRYING')
  receiver.answer(200)
  await platform.watch.untilStatus('SUCCEEDED')

  clock.advance(6 * dayS)
  await duty(platform, clock)
  expect(await endpoint(platform, id)).toMatchObject({ status: 'ENABLED' })
})

test('enabling a failing endpoint gives it five days more', async () => {
  const clock = movableClock()
  await using receiver = await startReceiver(500)
  await using platform = await startPlatform({ clock })
  const { id } = await platform.addEndpoint(receiver.url, { retrySchedule: [] })
  await platform.publish()
  await platform.watch.untilStatus('FAILED')
  clock.advance(6 * dayS)
  await duty(platform, clock)
  expect(await endpoint(platform, id)).toMatchObject({ disabledReason: 'FAILING' })
  await platform.client.mutate('endpointEnable', { id }, 'endpoint { status }')
  await duty(platform, clock)
  expect(await endpoint(platform, id)).toMatchObject({ status: 'ENABLED', disabledReason: null })
})

type Running = Awaited<ReturnType<typeof startPlatform>>

function duty({ bundle }: Running, clock: ReturnType<typeof movableClock>): Promise<void> {
  const { wake } = bundle.services
  const { pool } = bundle.database
  const tell = createTell({ pool, clock, fanOut: new FanOut(pool), committed: () => {} })
  const endpointChanged = (endpointId: string) => wake.endpointChanged(endpointId)
  return disableFailing({
    ...{ pool, clock, tell, log: createLog('silent'), endpointChanged },
  })
}

async function endpoint({ client }: Running, id: string) {
  const answer = await client.ask(
    'query ($id: ID!) { endpoint(id: $id) { status disabledReason } }',
    {
      id,
    },
  )
  return answer.endpoint
}

async function noted({ client }: Running, targetId: string) {
  const query = `query ($filter: AuditLogFilter) {
    auditLog(first: 1, filter: $filter) { nodes { actor { type apiKeyId } before after } }
  }`
  const filter = { targetId, actions: ['ENDPOINT_DISABLED'] }
  return (await client.ask(query, { filter })).auditLog.nodes[0]
}
