import { expect, test } from 'vitest'
import { eventType, startPlatform } from '../support/platform.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { startReplay } from '../support/replays.ts'
import { disableFailingNow } from '../support/tell.ts'
import { movableClock } from '../support/time.ts'

/* Replays in a program that delivers. */

const daySeconds = 86_400
const bodies = ({ requests }: Receiver) => requests.map(({ body }) => body.toString())

test('what an endpoint missed in five dead days is replayed', async () => {
  const clock = movableClock()
  await using receiver = await startReceiver(500)
  await using platform = await startPlatform({ clock })
  const { id } = await platform.addEndpoint(receiver.url, { retrySchedule: [1, 600_000] })
  await platform.publish({ payloadText: '"waited"' })
  await platform.watch.untilStatus('RETRYING')
  clock.advance(5 * daySeconds + 1)
  await disableFailingNow(platform, clock)
  for (const payloadText of ['1', '2', '3']) await platform.publish({ payloadText })
  const before = receiver.requests.length

  receiver.answer(200)
  await platform.client.mutate('endpointEnable', { id })
  await startReplay(platform.client, { endpointId: id, statuses: ['SUPPRESSED'] })
  // The retry of what was attempted before is due as well, a fifth later at the most.
  clock.advance(9 * daySeconds)
  await platform.watch.untilStatus('SUCCEEDED', 4)

  expect(bodies(receiver).slice(before).toSorted()).toEqual(['"waited"', '1', '2', '3'])
  const made = (await platform.deliveries()).filter(({ trigger }) => trigger === 'REPLAY')
  expect(made.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED'])
})

test('an ordered endpoint gets past events in publishing order', async () => {
  await using receiver = await startReceiver((_request, index) => (index % 7 === 3 ? 500 : 200))
  await using platform = await startPlatform()
  const input = { ordered: true, retrySchedule: [0, 0, 0] }
  const { id } = await platform.addEndpoint(receiver.url, input)
  await platform.client.mutate('endpointDisable', { id })
  await platform.publishMany(100)
  await platform.client.mutate('endpointEnable', { id })
  await startReplay(platform.client, { endpointId: id, statuses: ['SUPPRESSED'] })
  await receiver.until(10)
  await platform.publish({ payloadText: '"live"' })
  await platform.watch.untilStatus('SUCCEEDED', 101)

  const past = bodies(receiver).filter((body) => body !== '"live"')
  const inOrder = Array.from({ length: 100 }, (_, n) => `{"n":${n}}`)
  expect(past.filter((body, index) => body !== past[index - 1])).toEqual(inOrder)
  expect(bodies(receiver).indexOf('"live"')).toBeLessThan(100)
})

test('a replayed event has the id that it had before', async () => {
  await using receiver = await startReceiver()
  await using platform = await startPlatform()
  const { id } = await platform.addEndpoint(receiver.url)
  const { eventId } = await platform.publish({ eventType })
  await platform.watch.untilStatus('SUCCEEDED')
  await startReplay(platform.client, { endpointId: id })
  const requests = await receiver.until(2)
  expect(requests.map(({ headers }) => headers['webhook-id'])).toEqual([eventId, eventId])
})
