import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventType, type Platform, startPlatform } from '../support/platform.ts'

let platform: Platform

beforeEach(async () => {
  platform = await startPlatform()
})

afterEach(() => platform[Symbol.asyncDispose]())

const publishBatch = (events: readonly object[]) => {
  return platform.client.mutate(
    'eventPublishBatch',
    { events },
    'events { id } deliveryCount replayed',
  )
}

test.each([
  ['reserved', { status: 'RESERVED' }],
  ['stricter', { schema: { required: ['m'] } }],
])('a repeated key is answered though its type is %s now', async (_, change) => {
  const first = await platform.publish({ idempotencyKey: 'k' })
  await platform.bundle.operator.mutate('eventTypeUpdate', { name: eventType, ...change })
  const second = await platform.publish({ idempotencyKey: 'k' })
  expect(second).toEqual({ ...first, replayed: true })
})

test('what is new in a batch is checked beside what is not', async () => {
  const repeated = { eventType, payloadText: '{"n":1}', idempotencyKey: 'k' }
  const { eventId } = await platform.publish({ idempotencyKey: 'k' })
  const change = { name: eventType, status: 'RESERVED' }
  await platform.bundle.operator.mutate('eventTypeUpdate', change)
  const refused = await publishBatch([repeated, { eventType, payload: {}, idempotencyKey: 'new' }])
  expect(refused.issues).toMatchObject([{ path: ['events', '1', 'eventType'] }])
  const other = { eventType: 'invoice.void', payload: {} }
  const { events } = await publishBatch([repeated, other, { ...other, idempotencyKey: 'new' }])
  expect(events[0].id).toBe(eventId)
  const seen = await platform.client.ask('{ events(first: 9) { nodes { id } } }')
  expect(seen.events.nodes).toHaveLength(3)
})

test('a key that stands twice in a batch counts once', async () => {
  await platform.addEndpoint('https://example.com/')
  const event = { eventType, payloadText: '{"n":1}' }
  const { eventId } = await platform.publish({ idempotencyKey: 'before' })

  const batch = await publishBatch([
    { ...event, idempotencyKey: 'new' },
    { ...event, idempotencyKey: 'before' },
    { ...event, idempotencyKey: 'new' },
    event,
  ])

  expect(batch).toMatchObject({ deliveryCount: 3, replayed: [false, true, true, false] })
  const ids = batch.events.map(({ id }: { id: string }) => id)
  expect([ids[2], ids[1], new Set(ids).size]).toEqual([ids[0], eventId, 3])
})
