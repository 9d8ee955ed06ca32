import { expect, test } from 'vitest'
import { type Platform, startPlatform } from '../support/platform.ts'
import { startReceiver } from '../support/receiver.ts'
import { disableFailingNow } from '../support/tell.ts'
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
  await disableFailingNow(platform, clock)
  expect(await endpoint(platform, id)).toMatchObject({ status: 'ENABLED' })

  clock.advance(2 * 3_600)
  await disableFailingNow(platform, clock)
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
  const added = await platform.addEndpoint(receiver.url, { retrySchedule: [dayS] })
  await platform.publish()
  await platform.watch.untilStatus('RETRYING')
  receiver.answer(200)
  clock.advance(2 * dayS)
  await platform.nudge(added)
  await platform.watch.untilStatus('SUCCEEDED')

  clock.advance(6 * dayS)
  await disableFailingNow(platform, clock)
  expect(await endpoint(platform, added.id)).toMatchObject({ status: 'ENABLED' })
})

test('enabling a failing endpoint gives it five days more', async () => {
  const clock = movableClock()
  await using receiver = await startReceiver(500)
  await using platform = await startPlatform({ clock })
  const { id } = await platform.addEndpoint(receiver.url, { retrySchedule: [] })
  await platform.publish()
  await platform.watch.untilStatus('FAILED')
  clock.advance(6 * dayS)
  await disableFailingNow(platform, clock)
  expect(await endpoint(platform, id)).toMatchObject({ disabledReason: 'FAILING' })
  await platform.client.mutate('endpointEnable', { id }, 'endpoint { status }')
  await disableFailingNow(platform, clock)
  expect(await endpoint(platform, id)).toMatchObject({ status: 'ENABLED', disabledReason: null })
})

async function endpoint({ client }: Platform, id: string) {
  const answer = await client.ask(
    'query ($id: ID!) { endpoint(id: $id) { status disabledReason } }',
    {
      id,
    },
  )
  return answer.endpoint
}

async function noted({ client }: Platform, targetId: string) {
  const query = `query ($filter: AuditLogFilter) {
    auditLog(first: 1, filter: $filter) { nodes { actor { type apiKeyId } before after } }
  }`
  const filter = { targetId, actions: ['ENDPOINT_DISABLED'] }
  return (await client.ask(query, { filter })).auditLog.nodes[0]
}
