import { expect, test } from 'vitest'
import { startPlatform } from '../support/platform.ts'
import { startReceiver } from '../support/receiver.ts'

test('an event arrives at its endpoint', async () => {
  await using receiver = await startReceiver()
  await using platform = await startPlatform()
  await platform.addEndpoint(receiver.url)
  const { eventId } = await platform.publish({ payloadText: '{"a": 1}' })
  const request = await receiver.next()
  expect(request.body.toString()).toBe('{"a": 1}')
  expect(request.headers['webhook-id']).toBe(eventId)
  await platform.watch.untilStatus('SUCCEEDED')
  const [delivery] = await platform.deliveries()
  expect(delivery).toMatchObject({ status: 'SUCCEEDED', attemptCount: 1, event: { id: eventId } })
})
