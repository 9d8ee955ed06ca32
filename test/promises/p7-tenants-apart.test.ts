import { expect, test } from 'vitest'
import { addEndpoint } from '../support/endpoints.ts'
import { startPlatform } from '../support/platform.ts'
import { startReceiver } from '../support/receiver.ts'
import { watchDeliveries } from '../support/settle.ts'

test("an event reaches its own workspace's endpoints and feed alone", async () => {
  await using mine = await startReceiver()
  await using theirs = await startReceiver()
  await using platform = await startPlatform()
  const other = await platform.bundle.newTenant({ name: 'Other' })
  await using otherFeed = await watchDeliveries(platform.bundle.services.hub, other.workspaceId)
  await platform.addEndpoint(mine.url)
  const foreign = await addEndpoint(other.client, { url: theirs.url, ping: false })
  await platform.publish()
  await platform.watch.untilStatus('SUCCEEDED')
  await other.client.mutate('endpointPing', { id: foreign.id })
  await otherFeed.untilStatus('SUCCEEDED')
  expect([mine.requests.length, theirs.requests.length]).toEqual([1, 1])
  const told = new Set(otherFeed.changes.map(({ endpointId }) => endpointId))
  expect(told).toEqual(new Set([foreign.id]))
})

test('endpoints of two workspaces with one URL get their own events', async () => {
  await using receiver = await startReceiver()
  await using platform = await startPlatform()
  const other = await platform.bundle.newTenant({ name: 'Other' })
  const { secret } = await platform.addEndpoint(receiver.url)
  const foreign = await addEndpoint(other.client, { url: receiver.url, ping: false })
  expect(foreign.secret).not.toBe(secret)
  const { eventId, deliveryCount } = await platform.publish()
  await platform.watch.untilStatus('SUCCEEDED')
  expect(deliveryCount).toBe(1)
  expect(receiver.requests.map(({ headers }) => headers['webhook-id'])).toEqual([eventId])
})
