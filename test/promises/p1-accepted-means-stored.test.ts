import { expect, test } from 'vitest'
import { untilBlocked } from '../support/blocked.ts'
import { eventType, startPlatform } from '../support/platform.ts'
import { startReceiver } from '../support/receiver.ts'

const logOf = '{ events(first: 9) { nodes { id } } deliveries(first: 9) { nodes { id } } }'

test('a publish that is cut off before its commit stores nothing', async () => {
  await using receiver = await startReceiver()
  await using platform = await startPlatform()
  const { pool } = platform.bundle.database
  await platform.addEndpoint(receiver.url)
  // The last of the tables it writes to: all else is written, and nothing committed.
  const client = await pool.connect()
  await client.query('begin')
  await client.query('lock table change in share mode')
  const publishing = platform.client.send(`mutation {
    eventPublish(input: { eventType: "${eventType}", payload: {} }) { __typename }
  }`)
  await untilBlocked(pool, 'insertPublication')
  await pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where query like '%insertPublication%' and wait_event_type = 'Lock'
        and datname = current_database()`,
  )
  const { errors } = await publishing
  await client.query('rollback')
  client.release()
  expect(errors[0]?.extensions.code).toBe('UNAVAILABLE')
  const log = await platform.client.ask(logOf)
  expect(log).toEqual({ events: { nodes: [] }, deliveries: { nodes: [] } })
  const { eventId } = await platform.publish()
  expect((await receiver.next()).headers['webhook-id']).toBe(eventId)
})

test('what was answered is there for everyone at once', async () => {
  await using platform = await startPlatform({ delivers: false })
  await platform.addEndpoint('https://example.com/a')
  await platform.addEndpoint('https://example.com/b')
  const { eventId, deliveryCount } = await platform.publish()
  const { rows } = await platform.bundle.database.pool.query(
    `select (select count(*)::int from event) as events,
      (select count(*)::int from delivery) as deliveries,
      (select count(*)::int from due) as due,
      (select cardinality(delivery_ids) from change) as changes`,
  )
  expect(rows[0]).toEqual({ events: 1, deliveries: 2, due: 2, changes: 2 })
  expect(deliveryCount).toBe(2)
  const query = 'query ($id: ID!) { event(id: $id) { deliveries(first: 9) { nodes { id } } } }'
  const { event } = await platform.client.ask(query, { id: eventId })
  expect(event.deliveries.nodes).toHaveLength(2)
})
