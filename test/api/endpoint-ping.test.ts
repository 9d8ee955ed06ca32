import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'
import { addEndpoint } from '../support/endpoints.ts'

const fields = 'delivery { trigger status eventType endpoint { id } event { payloadText } }'

test('a ping goes to one endpoint, whatever it subscribes to', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client, { eventTypes: ['invoice.*'] })
  await addEndpoint(client)

  const { delivery } = await client.mutate('endpointPing', { id }, fields)

  expect(delivery).toEqual({
    trigger: 'PING',
    status: 'PENDING',
    eventType: 'ping',
    endpoint: { id },
    event: { payloadText: `{"endpointId":"${id}"}` },
  })
  const { deliveriesCount } = await client.ask('{ deliveriesCount { value } }')
  expect(deliveriesCount.value).toBe(1)
})

test('a ping of an event type sends its example', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const example = { amount: 1, items: [null] }
  await bundle.operator.mutate('eventTypeCreate', { name: 'invoice.paid', example })
  const { id } = await addEndpoint(client)

  const input = { id, eventType: 'invoice.paid' }
  const { delivery } = await client.mutate('endpointPing', input, fields)

  expect(delivery).toMatchObject({
    trigger: 'PING',
    eventType: 'invoice.paid',
    event: { payloadText: '{"amount":1,"items":[null]}' },
  })
})

test.each([
  ['invoice.payed', '"invoice.payed" is not in the catalogue. Did you mean "invoice.paid"?'],
  ['invoice.paid', '"invoice.paid" has no example in the catalogue.'],
])('a ping of %s is refused', async (eventType, message) => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  await bundle.operator.mutate('eventTypeCreate', { name: 'invoice.paid' })
  const { id } = await addEndpoint(client)

  const refused = await client.mutate('endpointPing', { id, eventType })

  expect(refused.issues).toEqual([{ path: ['eventType'], message }])
})

test('a disabled endpoint is not pinged', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client)
  await client.mutate('endpointDisable', { id })

  const refused = await client.mutate('endpointPing', { id })

  expect(refused).toEqual({
    __typename: 'InvalidStateError',
    code: 'INVALID_STATE',
    message: 'The endpoint is disabled. Enable it first.',
  })
})
