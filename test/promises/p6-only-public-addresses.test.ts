import { expect, test } from 'vitest'
import { startPlatform } from '../support/platform.ts'
import { startSecond } from '../support/processes.ts'
import { startReceiver } from '../support/receiver.ts'

test('no request leaves for a network that is not allowed any more', async () => {
  await using receiver = await startReceiver()
  await using platform = await startPlatform({ delivers: false })
  await platform.addEndpoint(receiver.url)
  await platform.addEndpoint(`http://localhost:${receiver.port}/`)
  await platform.publish()
  await using _strict = await startSecond(platform.bundle, { allowedNetworks: [] })
  await platform.watch.untilStatus('RETRYING', 2)
  for (const { attempts } of await platform.deliveries()) {
    expect(attempts).toMatchObject([{ result: 'ADDRESS_NOT_ALLOWED', response: null }])
  }
  expect(receiver.connections()).toBe(0)
})
