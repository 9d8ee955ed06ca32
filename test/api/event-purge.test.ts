import { expect, test } from 'vitest'
import { newGate } from '../support/gate.ts'
import { type Platform, startPlatform } from '../support/platform.ts'
import { startReceiver } from '../support/receiver.ts'

const eventFields = 'events { id payload payloadText payloadPurgedAt }'

function purge({ client }: Platform, eventIds: readonly string[]) {
  return client.mutate('eventPayloadPurge', { eventIds }, eventFields)
}

const attempts = `attempts { number request { body } response { statusCode headers { value } body } }`

test('payload and answers are gone, and the rest of the log stays', async () => {
  await using receiver = await startReceiver({
    status: 200,
    headers: { 'x-echo': 'Jane' },
    body: 'thanks, Jane',
  })
  await using platform = await startPlatform()
  await platform.addEndpoint(receiver.url)
  const { eventId } = await platform.publish({ payloadText: '{"name":"Jane"}' })
  await platform.watch.untilStatus('SUCCEEDED')

  const { events } = await purge(platform, [eventId])

  expect(events).toMatchObject([{ id: eventId, payload: null, payloadText: null }])
  expect(Date.parse(events[0].payloadPurgedAt)).toBeGreaterThan(0)
  const [delivery] = await platform.deliveries()
  const query = `query ($id: ID!) { delivery(id: $id) { status ${attempts} } }`
  const shown = (await platform.client.ask(query, { id: delivery.id })).delivery
  expect(shown).toEqual({
    status: 'SUCCEEDED',
    attempts: [
      { number: 1, request: { body: '' }, response: { statusCode: 200, headers: [], body: '' } },
    ],
  })
  expect(await tablesWith(platform, 'Jane')).toEqual([])
})

test('what waits is canceled and never sent', async () => {
  await using receiver = await startReceiver(500)
  await using platform = await startPlatform()
  const { id } = await platform.addEndpoint(receiver.url, { retrySchedule: [60] })
  const { eventId } = await platform.publish()
  await platform.watch.untilStatus('RETRYING')

  await purge(platform, [eventId])

  await platform.watch.untilStatus('CANCELED')
  const [delivery] = await platform.deliveries()
  expect(delivery).toMatchObject({ status: 'CANCELED', nextAttemptAt: null })
  const { rows } = await platform.bundle.database.pool.query('select from due')
  expect(rows).toEqual([])
  const { endpoint } = await platform.client.ask(`{ endpoint(id: "${id}") { status } }`)
  expect(endpoint.status).toBe('ENABLED')
})

test('an answer that comes after the purge is logged without its body', async () => {
  const gate = newGate()
  await using receiver = await startReceiver(gate.script)
  await using platform = await startPlatform()
  await platform.addEndpoint(receiver.url)
  const { eventId } = await platform.publish()
  await receiver.next()

  await purge(platform, [eventId])
  gate.open({ status: 200, body: 'late echo' })
  await platform.watch.untilStatus('CANCELED')
  await platform.watch.until((all) => all.some(({ attemptNumber }) => attemptNumber === 1))

  const [delivery] = await platform.deliveries()
  expect(delivery).toMatchObject({ status: 'CANCELED', attemptCount: 1 })
  expect(await tablesWith(platform, 'late echo')).toEqual([])
})

test('a repeated publish does not bring a purged payload back', async () => {
  await using platform = await startPlatform()
  const input = { idempotencyKey: 'k', payloadText: '{"name":"Jane"}' }
  const { eventId } = await platform.publish(input)

  await purge(platform, [eventId])

  const again = [await platform.publish(input), await platform.publish({ idempotencyKey: 'k' })]
  const replayed = { eventId, deliveryCount: 0, replayed: true }
  expect(again).toMatchObject([replayed, replayed])
  expect(await tablesWith(platform, 'Jane')).toEqual([])
  const { pool } = platform.bundle.database
  const { rows } = await pool.query('select key, request_hash from idempotency_key')
  expect(rows).toEqual([{ key: 'k', request_hash: null }])
})

test('purging twice gives the same answer and one entry', async () => {
  await using platform = await startPlatform()
  const { eventId } = await platform.publish()

  const first = await purge(platform, [eventId, eventId])
  const second = await purge(platform, [eventId, eventId])

  expect(second).toEqual(first)
  const { auditLog } = await platform.client.ask(
    `{ auditLog(first: 9, filter: { targetId: "${eventId}" }) { nodes { action before after } } }`,
  )
  expect(auditLog.nodes).toEqual([{ action: 'EVENT_PAYLOAD_PURGED', before: null, after: null }])
})

test('a delivery of a purged event cannot be retried', async () => {
  await using receiver = await startReceiver()
  await using platform = await startPlatform()
  await platform.addEndpoint(receiver.url)
  const { eventId } = await platform.publish()
  await platform.watch.untilStatus('SUCCEEDED')
  await purge(platform, [eventId])
  const [{ id }] = await platform.deliveries()

  expect(await platform.client.mutate('deliveryRetry', { id })).toMatchObject({
    code: 'INVALID_STATE',
    message: 'The payload of this event was purged: there is nothing to send.',
  })
})

test('where one event is not found, none is purged', async () => {
  await using platform = await startPlatform()
  const { eventId } = await platform.publish()
  const other = await platform.bundle.newTenant()

  const refused = await purge(platform, [eventId, 'evt_01h455vb4pex5vsknk084sn02q'])
  const foreign = await other.client.mutate('eventPayloadPurge', { eventIds: [eventId] })

  expect([refused.code, foreign.code]).toEqual(['NOT_FOUND', 'NOT_FOUND'])
  expect(await tablesWith(platform, '"n":1')).toEqual(['event'])
})

test('the list of events has a limit', async () => {
  await using platform = await startPlatform()
  const many = Array.from({ length: 101 }, () => 'evt_01h455vb4pex5vsknk084sn02q')

  for (const eventIds of [[], many]) {
    const message = `must name 1 to 100 events; got ${eventIds.length}.`
    expect((await purge(platform, eventIds)).issues).toEqual([{ path: ['eventIds'], message }])
  }
})

test('an operator purges what is in any workspace', async () => {
  await using platform = await startPlatform()
  const { eventId } = await platform.publish()

  await platform.bundle.operator.mutate('eventPayloadPurge', { eventIds: [eventId] })

  expect(await tablesWith(platform, '"n":1')).toEqual([])
})

/** Tables of which a row holds this text, bodies included. */
async function tablesWith({ bundle }: Platform, text: string): Promise<string[]> {
  const { pool } = bundle.database
  const found: string[] = []
  for (const table of ['event', 'delivery', 'attempt', 'change', 'due', 'idempotency_key']) {
    const { rows } = await pool.query<Record<string, unknown>>(`select * from ${table}`)
    const values = rows.flatMap((row) => Object.values(row))
    const hasIt = values.some((value) => String(value).includes(text))
    if (hasIt) found.push(table)
  }
  return found
}
