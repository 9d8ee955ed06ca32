import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { uuidOf } from '../../src/rules/id.ts'
import { untilBlocked } from '../support/blocked.ts'
import { eventType, type Platform, startPlatform } from '../support/platform.ts'
import { startSecond } from '../support/processes.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { type MovableClock, movableClock } from '../support/time.ts'

let resources: AsyncDisposableStack
let platform: Platform
let receiver: Receiver
let clock: MovableClock

beforeEach(async () => {
  resources = new AsyncDisposableStack()
  receiver = resources.use(await startReceiver())
  clock = movableClock()
  platform = resources.use(await startPlatform({ clock }))
})

afterEach(() => resources.disposeAsync())

const batchOf = (events: readonly object[]) => {
  return platform.client.mutate('eventPublishBatch', { events }, 'deliveryCount events { id }')
}

async function countEvents(): Promise<number> {
  const { events } = await platform.client.ask('{ events(first: 100) { nodes { id } } }')
  return events.nodes.length
}

test('a batch is published in its order', async () => {
  await platform.addEndpoint(receiver.url, { ordered: true })
  const events = Array.from({ length: 20 }, (_, n) => ({ eventType, payload: { n } }))
  expect(await batchOf(events)).toMatchObject({ deliveryCount: 20 })
  const requests = await receiver.until(20)
  expect(requests.map(({ body }) => JSON.parse(body.toString()).n)).toEqual(
    events.map(({ payload }) => payload.n),
  )
})

test('a batch with one wrong event publishes none', async () => {
  await platform.addEndpoint(receiver.url)
  const wrong = [
    { eventType, payload: {} },
    { eventType: 'no.such', payload: {} },
    { eventType, payloadText: '{' },
  ]
  const refused = await batchOf(wrong.slice(0, 2))
  expect(refused).toMatchObject({
    ...{ __typename: 'ValidationError', code: 'INVALID_INPUT' },
    issues: [{ path: ['events', '1', 'eventType'] }],
  })
  const unreadable = await batchOf([wrong[0] ?? {}, wrong[2] ?? {}])
  expect(unreadable.issues).toMatchObject([{ path: ['events', '1', 'payloadText'] }])
  expect(await countEvents()).toBe(0)
})

test('a repeated key answers with the first event', async () => {
  await platform.addEndpoint(receiver.url)
  const first = await platform.publish({ idempotencyKey: 'k' })
  const second = await platform.publish({ idempotencyKey: 'k' })
  expect(first).toMatchObject({ replayed: false, deliveryCount: 1 })
  expect(second).toEqual({ ...first, replayed: true })
  expect(await countEvents()).toBe(1)
})

test.each([
  ['payload', { payloadText: '{"n":2}' }],
  ['type', { eventType: 'invoice.void' }],
])('a key used with another %s is a conflict', async (_, other) => {
  const { eventId } = await platform.publish({ idempotencyKey: 'k' })
  const input = { eventType, payloadText: '{"n":1}', idempotencyKey: 'k', ...other }
  const refused = await platform.client.mutate('eventPublish', input)
  expect(refused).toMatchObject({ __typename: 'ConflictError', code: 'CONFLICT' })
  expect(refused.message).toContain(eventId)
  expect(await countEvents()).toBe(1)
})

test('a key repeated within a batch is one event', async () => {
  const [one, other] = [
    { eventType, payload: { n: 1 }, idempotencyKey: 'k' },
    { eventType, payload: { n: 2 } },
  ]
  const { events } = await batchOf([one, other, one])
  expect(events[0].id).toBe(events[2].id)
  expect(await countEvents()).toBe(2)
  const conflict = await batchOf([one, { ...other, idempotencyKey: 'k' }])
  expect(conflict).toMatchObject({ __typename: 'ConflictError' })
})

test('fifty who publish one key at once make one event', async () => {
  await platform.addEndpoint(receiver.url)
  await using other = await startSecond(platform.bundle)
  const publishers = [platform.bundle.services.publisher, other.publisher]
  const workspaceId = uuidOf('ws', platform.tenant.workspaceId) ?? ''
  const event = { eventType, payloadText: '{}', idempotencyKey: 'race' }
  const events = [{ ...event, occurredAt: null, deliverAt: null }]
  const answers = await Promise.all(
    Array.from({ length: 25 }, () => publishers).flatMap((both) => {
      return both.map(({ publish }) =>
        publish({ workspaceId, events, isBatch: false, traceparent: null }),
      )
    }),
  )
  const all = answers.flat()
  expect(all).toHaveLength(50)
  expect(new Set(all.map(({ eventId }) => eventId)).size).toBe(1)
  expect(all.filter(({ replayed }) => !replayed)).toHaveLength(1)
  expect(all.every(({ deliveryCount }) => deliveryCount === 1)).toBe(true)
  expect(await countEvents()).toBe(1)
})

test('a key that somebody takes meanwhile answers with their event', async () => {
  const { eventId, answer } = await publishBesideRival('{}')
  expect(answer).toMatchObject({ replayed: [true, false], events: [{ id: eventId }, {}] })
  expect(await countEvents()).toBe(2)
})

test('a key that somebody takes meanwhile for something else is a conflict', async () => {
  const { answer } = await publishBesideRival('{"n":1}')
  expect(answer).toMatchObject({ __typename: 'ConflictError' })
  expect(await countEvents()).toBe(1)
  const { replayed } = await platform.publish({ idempotencyKey: 'other' })
  expect(replayed).toBe(false)
})

test('a key that somebody gives up is taken', async () => {
  const { answer } = await publishBesideRival('{}', 'rollback')
  expect(answer).toMatchObject({ replayed: [false, false] })
  expect(await countEvents()).toBe(3)
})

/** Two events are published while somebody takes the key of the first, for what `payloadText` is. */
async function publishBesideRival(payloadText: string, end: 'commit' | 'rollback' = 'commit') {
  const { eventId } = await platform.publish({ payloadText })
  const { pool } = platform.bundle.database
  const rival = await pool.connect()
  await rival.query('begin')
  await rival.query(
    `insert into idempotency_key (workspace_id, key, event_id, request_hash, created_at)
     values ($1, 'k', $2, $3, now())`,
    [
      uuidOf('ws', platform.tenant.workspaceId),
      uuidOf('evt', eventId),
      createHash('sha256').update(`${eventType}\n${payloadText}`).digest(),
    ],
  )
  const events = ['k', 'other'].map((idempotencyKey) => {
    return { eventType, payloadText: '{}', idempotencyKey }
  })
  const selection = '__typename replayed events { id }'
  const publishing = platform.client.mutate('eventPublishBatch', { events }, selection)
  await untilBlocked(pool, 'insertKeyedPublication')
  await rival.query(end)
  rival.release()
  return { eventId, answer: await publishing }
}

test('an event for later waits for its time', async () => {
  await platform.addEndpoint(receiver.url)
  const deliverAt = new Date(clock.now().getTime() + 3_600_000).toISOString()
  const { eventId } = await platform.publish({ deliverAt })
  const { eventId: promptly } = await platform.publish()
  expect((await receiver.next()).headers['webhook-id']).toBe(promptly)
  const [waiting] = await platform.deliveries()
  expect(waiting).toMatchObject({ status: 'PENDING', nextAttemptAt: deliverAt })
  clock.advance(3_600)
  expect((await receiver.next()).headers['webhook-id']).toBe(eventId)
})

test('a time that has passed puts no event before others', async () => {
  await platform.addEndpoint(receiver.url, { ordered: true })
  const events = [
    { eventType, payload: { n: 0 } },
    { eventType, payload: { n: 1 }, deliverAt: '2020-01-01T00:00:00Z' },
  ]
  await batchOf(events)
  const bodies = (await receiver.until(2)).map(({ body }) => body.toString())
  expect(bodies).toEqual(['{"n":0}', '{"n":1}'])
})

test('a disabled endpoint has its deliveries suppressed', async () => {
  const { id } = await platform.addEndpoint(receiver.url)
  await platform.client.mutate('endpointDisable', { id })
  expect(await platform.publish()).toMatchObject({ deliveryCount: 1 })
  await platform.watch.untilStatus('SUPPRESSED')
  const [delivery] = await platform.deliveries()
  expect(delivery).toMatchObject({ status: 'SUPPRESSED', attemptCount: 0, nextAttemptAt: null })
})

test('events go to the endpoints whose patterns mean them', async () => {
  await using other = await startReceiver()
  await platform.addEndpoint(receiver.url, { eventTypes: ['invoice.*', 'invoice.paid'] })
  await platform.addEndpoint(other.url, { eventTypes: ['course.done'] })
  const counts = []
  for (const type of ['invoice.paid', 'invoice.void', 'course.done']) {
    counts.push((await platform.publish({ eventType: type })).deliveryCount)
  }
  expect(counts).toEqual([1, 1, 1])
  await Promise.all([receiver.until(2), other.until(1)])
})

test('a new subscription holds at once in every process', async () => {
  await using second = await startSecond(platform.bundle, { delivers: false })
  const workspaceId = uuidOf('ws', platform.tenant.workspaceId) ?? ''
  const event = { eventType, payloadText: '{}', idempotencyKey: null }
  const events = [{ ...event, occurredAt: null, deliverAt: null }]
  const publishThere = async () => {
    const [published] = await second.publisher.publish({
      workspaceId,
      events,
      isBatch: false,
      traceparent: null,
    })
    return published?.deliveryCount
  }
  expect(await publishThere()).toBe(0)
  const { id } = await platform.addEndpoint(receiver.url)
  expect(await publishThere()).toBe(1)
  await platform.client.mutate('endpointUpdate', { id, eventTypes: ['course.done'] })
  expect(await publishThere()).toBe(0)
  await platform.client.mutate('endpointDelete', { id })
  await platform.bundle.operator.mutate('eventTypeCreate', { name: 'new.type' })
  const later = [{ ...event, eventType: 'new.type', occurredAt: null, deliverAt: null }]
  await second.publisher.publish({ workspaceId, events: later, isBatch: false, traceparent: null })
})

test('an event of no endpoint is stored all the same', async () => {
  expect(await platform.publish()).toMatchObject({ deliveryCount: 0, replayed: false })
  expect(await countEvents()).toBe(1)
})

test.each([
  ['12345678901234567890', 'payload'],
  ['1.10', 'payload'],
])('a number that loses digits is refused as a value: %s', async (number, field) => {
  const query = (payload: string) => `mutation {
    eventPublish(input: { eventType: "${eventType}", payload: ${payload} }) {
      __typename ... on ValidationError { issues { path message } }
    }
  }`
  const literal = await platform.client.ask(query(`{ a: ${number} }`))
  expect(literal.eventPublish).toMatchObject({
    __typename: 'ValidationError',
    issues: [{ path: [field], message: expect.stringContaining(number) }],
  })
  const text = `{"query":${JSON.stringify(`mutation ($p: JSON!) ${query('$p').slice(8)}`)},
    "variables":{"p":{"a":${number}}}}`
  const headers = { 'content-type': 'application/json' }
  const reply = await platform.client.fetch('/graphql', { method: 'POST', headers, body: text })
  expect(reply.data.eventPublish).toMatchObject(literal.eventPublish)
})
