import { afterAll, beforeAll, expect, test } from 'vitest'
import { publicId } from '../../src/rules/id.ts'
import { type Bundle, openBundle } from '../support/bundle.ts'
import { newLogTenant } from '../support/log-tenant.ts'

let bundle: Bundle

beforeAll(async () => {
  bundle = await openBundle()
})

afterAll(() => bundle[Symbol.asyncDispose]())

test('an event shows its payload byte for byte', async () => {
  const tenant = await newLogTenant(bundle)
  const payloadText = ' { "a":1.10, "a" : 12345678901234567890 } '
  const { event } = await tenant.deliver({ payloadText, idempotencyKey: 'k-1' })
  const id = publicId('evt', event.eventId)
  const { event: found } = await tenant.client.ask(
    `query ($id: ID!) { event(id: $id) {
      id eventType payload payloadText idempotencyKey occurredAt deliverAt createdAt workspace { id }
    } }`,
    { id },
  )
  expect(found).toEqual({
    id,
    eventType: 'invoice.paid',
    payload: { a: Number('12345678901234567890') },
    payloadText,
    idempotencyKey: 'k-1',
    occurredAt: event.occurredAt.toISOString(),
    deliverAt: null,
    createdAt: event.occurredAt.toISOString(),
    workspace: { id: tenant.workspaceId },
  })
})

test('each condition of a filter chooses its events', async () => {
  const tenant = await newLogTenant(bundle)
  const [paid, failed] = await publishTwo(tenant.workspaceId)
  const fits = async (filter: object) => {
    const { events } = await tenant.client.ask(
      'query ($filter: EventFilter) { events(first: 9, filter: $filter) { nodes { id } } }',
      { filter },
    )
    return events.nodes.map(({ id }: { id: string }) => id)
  }
  const now = new Date().toISOString()
  expect(await fits({})).toEqual([failed, paid])
  expect(await fits({ eventTypes: ['invoice.paid'] })).toEqual([paid])
  expect(await fits({ eventTypes: [] })).toEqual([])
  expect(await fits({ idempotencyKey: 'key of invoice.failed' })).toEqual([failed])
  expect(await fits({ idempotencyKey: 'key of nobody' })).toEqual([])
  expect(await fits({ createdAt: { until: now } })).toEqual([failed, paid])
  expect(await fits({ createdAt: { since: now } })).toEqual([])
})

test('the same idempotency key of another workspace finds nothing', async () => {
  const tenant = await newLogTenant(bundle)
  const other = await newLogTenant(bundle)
  await publishTwo(other.workspaceId)
  const { events } = await tenant.client.ask(
    '{ events(first: 9, filter: { idempotencyKey: "key of invoice.paid" }) { nodes { id } } }',
  )
  expect(events.nodes).toEqual([])
})

test('a key that only publishes sees the event it published', async () => {
  await publishTwo((await newLogTenant(bundle)).workspaceId)
  const { client } = await bundle.newTenant({ scopes: ['PUBLISH'] })
  const input = { eventType: 'invoice.paid', payloadText: '{}' }
  const { event } = await client.mutate('eventPublish', input, 'event { id eventType }')
  expect(event).toMatchObject({ eventType: 'invoice.paid' })
  const { errors } = await client.send('query ($id: ID!) { node(id: $id) { id } }', event)
  expect(errors[0]?.extensions.code).toBe('FORBIDDEN')
})

/** Through the API, so that their keys are taken. Answers their ids. */
async function publishTwo(workspaceId: string): Promise<string[]> {
  const ids = []
  for (const eventType of ['invoice.paid', 'invoice.failed']) {
    await bundle.operator.mutate('eventTypeCreate', { name: eventType }) // or it is there
    const idempotencyKey = `key of ${eventType}`
    const input = { workspaceId, eventType, payloadText: '{}', idempotencyKey }
    const { event } = await bundle.operator.mutate('eventPublish', input, 'event { id }')
    ids.push(event.id)
  }
  return ids
}
