import { expect, test } from 'vitest'
import type { Client } from '../support/client.ts'
import { openWay, type CuttableWay } from '../support/cuttable.ts'
import { eventType, startPlatform } from '../support/platform.ts'
import { startReceiver } from '../support/receiver.ts'

const publishing = `mutation ($n: String!) {
  eventPublish(input: { eventType: "${eventType}", payloadText: $n, idempotencyKey: $n }) {
    __typename
  }
}`

/** Publishes until it is told so; a key makes asking again safe. */
async function publishUntilAccepted(client: Client, n: number): Promise<void> {
  for (;;) {
    const { data } = await client.send(publishing, { n: String(n) })
    if (data?.eventPublish?.__typename === 'EventPublishSuccess') return
  }
}

test('no accepted event is lost when every connection ends', async () => {
  await using receiver = await startReceiver()
  await using platform = await startPlatform()
  const { pool } = platform.bundle.database
  await platform.addEndpoint(receiver.url)
  let cuts = 0
  for (let n = 0; n < 60; n++) {
    const publishing = publishUntilAccepted(platform.client, n)
    if (n % 10 === 5) {
      const { rows } = await pool
        .query(
          `select count(pg_terminate_backend(pid)) as cut from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()`,
        )
        .catch(() => ({ rows: [{ cut: 0 }] }))
      cuts += Number(rows[0].cut)
    }
    await publishing
  }
  const bodies = new Set<string>()
  for (let index = 0; bodies.size < 60; index++) {
    bodies.add((await receiver.until(index + 1))[index]?.body.toString() ?? '')
  }
  expect(cuts).toBeGreaterThan(0)
  await platform.watch.untilStatus('SUCCEEDED', 60)
})

test('no accepted event is lost while the database is away', async () => {
  await using receiver = await startReceiver()
  let way: CuttableWay | undefined
  await using platform = await startPlatform({
    way: async (databaseUrl) => (way = await openWay(databaseUrl)),
  })
  await platform.addEndpoint(receiver.url)
  await platform.publishMany(50)
  await receiver.until(10)
  await way?.cut()
  const refused = await platform.client.send(publishing, { n: '1000' })
  await way?.mend()
  expect(refused.errors[0]?.extensions.code).toBe('UNAVAILABLE')
  await publishUntilAccepted(platform.client, 1000)
  await platform.watch.untilStatus('SUCCEEDED', 51)
  const bodies = receiver.requests.map(({ body }) => body.toString())
  expect(new Set(bodies).size).toBe(51)
})
