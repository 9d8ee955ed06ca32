import { expect, test } from 'vitest'
import { uuidOf } from '../../src/rules/id.ts'
import { openBundle } from '../support/bundle.ts'

test("an event that cannot be stored fails nobody else's", async () => {
  await using bundle = await openBundle()
  await bundle.operator.mutate('eventTypeCreate', { name: 'a' })
  const tenants = await Promise.all(
    ['good', 'bad', 'good'].map((name) => bundle.newTenant({ name })),
  )
  const unplanned = { idempotencyKey: null, occurredAt: null, deliverAt: null }
  const requests = tenants.map(({ workspaceId }, index) => ({
    workspaceId: uuidOf('ws', workspaceId) ?? '',
    // PostgreSQL has no text with a NUL; the API refuses it before it comes this far.
    events: [{ ...unplanned, eventType: 'a', payloadText: index === 1 ? '"\0"' : '1' }],
    isBatch: false,
    traceparent: null,
  }))

  const answers = await Promise.allSettled(requests.map(bundle.services.publisher.publish))

  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  for (const [index, { client }] of tenants.entries()) {
    const { events } = await client.ask('{ events(first: 5) { nodes { id } } }')
    expect(events.nodes).toHaveLength(index === 1 ? 0 : 1)
  }
})
