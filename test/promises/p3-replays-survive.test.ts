import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { startPlatform } from '../support/platform.ts'
import { startEngineProcess } from '../support/processes.ts'
import { startReceiver } from '../support/receiver.ts'
import { readReplay, startReplay } from '../support/replays.ts'

const count = 150

test('a replay survives the kill of whoever works on it', { timeout: 60_000 }, async () => {
  const key = randomBytes(32)
  const encryptionKeys = [{ id: 'test', key }]
  await using receiver = await startReceiver()
  await using platform = await startPlatform({ delivers: false, config: { encryptionKeys } })
  const { client, bundle, watch } = platform
  const endpoint = await platform.addEndpoint(receiver.url)
  await client.mutate('endpointDisable', { id: endpoint.id })
  await platform.publishMany(count)
  await client.mutate('endpointEnable', { id: endpoint.id })

  const first = await startEngineProcess(bundle.databaseUrl, key)
  const wish = { endpointId: endpoint.id, statuses: ['SUPPRESSED'] }
  const { id } = await startReplay(client, wish)
  await receiver.until(10)
  first.signal('SIGKILL')
  await first[Symbol.asyncDispose]()
  const midway = await readReplay(client, id)
  await using _second = await startEngineProcess(bundle.databaseUrl, key)
  await watch.untilStatus('SUCCEEDED', count)

  expect(midway).toMatchObject({ status: 'RUNNING', matched: count })
  expect(midway.created).toBeLessThan(count)
  expect(await readReplay(client, id)).toMatchObject({ status: 'COMPLETED', created: count })
  const { rows } = await bundle.database.pool.query(
    `select count(*)::int as deliveries, count(distinct event_id)::int as events
      from delivery where trigger = 'REPLAY'`,
  )
  expect(rows).toEqual([{ deliveries: count, events: count }])
})
