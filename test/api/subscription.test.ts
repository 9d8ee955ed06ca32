import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'
import { addEndpoint, anyEndpoint } from '../support/endpoints.ts'

test('an unknown name is refused with the one probably meant', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  await bundle.operator.mutate('eventTypeCreate', { name: 'invoice.paid' })
  const eventTypes = ['invoice.payed', 'invoice.paid', 'nothing.like.it']

  const refused = await client.mutate('endpointCreate', { ...anyEndpoint, eventTypes })

  expect(refused.issues).toEqual([
    {
      path: ['eventTypes', '0'],
      message: '"invoice.payed" is not in the catalogue. Did you mean "invoice.paid"?',
    },
    { path: ['eventTypes', '2'], message: '"nothing.like.it" is not in the catalogue.' },
  ])
})

test('"*" replaces whatever stands beside it', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()

  const { endpoint } = await addEndpoint(client, { eventTypes: ['unknown.name', '*'] })

  expect(endpoint.eventTypes).toEqual(['*'])
})

test('a reserved type may be subscribed to', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  await bundle.operator.mutate('eventTypeCreate', { name: 'course.deployed', status: 'RESERVED' })

  const { endpoint } = await addEndpoint(client, { eventTypes: ['course.deployed'] })

  expect(endpoint.eventTypes).toEqual(['course.deployed'])
})

test('a deprecated type keeps its subscribers and takes no new ones', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  for (const name of ['old.one', 'new.one']) {
    await bundle.operator.mutate('eventTypeCreate', { name })
  }
  const { id } = await addEndpoint(client, { eventTypes: ['old.one'] })
  const another = await addEndpoint(client, { eventTypes: ['new.one'] })
  await bundle.operator.mutate('eventTypeUpdate', { name: 'old.one', status: 'DEPRECATED' })
  const eventTypes = ['old.one', 'new.one']

  const kept = await client.mutate('endpointUpdate', { id, eventTypes })
  const added = await client.mutate('endpointUpdate', { id: another.id, eventTypes })
  const prefixed = await client.mutate('endpointUpdate', { id: another.id, eventTypes: ['old.*'] })

  expect(kept).toMatchObject({ __typename: 'EndpointUpdateSuccess' })
  expect(added.issues).toEqual([
    {
      path: ['eventTypes', '0'],
      message: '"old.one" is deprecated: it takes no new subscribers.',
    },
  ])
  expect(prefixed).toMatchObject({ __typename: 'EndpointUpdateSuccess' })
})

test('a type that is called "null" reaches its subscribers', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  await bundle.operator.mutate('eventTypeCreate', { name: 'null' })

  const { endpoint } = await addEndpoint(client, { eventTypes: ['null'] })
  const event = { eventType: 'null', payload: {} }
  const published = await client.mutate('eventPublish', event, 'deliveryCount')

  expect(endpoint.eventTypes).toEqual(['null'])
  expect(published.deliveryCount).toBe(1)
})
