import { afterAll, beforeAll, expect, test } from 'vitest'
import { schema } from '../../src/api/graphql/schema.ts'
import { type Bundle, openBundle, type Tenant } from '../support/bundle.ts'
import type { Reply } from '../support/client.ts'

let bundle: Bundle
let publisher: Tenant

beforeAll(async () => {
  bundle = await openBundle()
  await bundle.operator.mutate('eventTypeCreate', { name: 'invoice.paid' })
})

afterAll(() => bundle[Symbol.asyncDispose]())

const publish = (fields: string, fragments = '', head = 'mutation') => `${head} {
  first: eventPublish(input: { eventType: "invoice.paid", payloadText: "1" }) {
    ... on EventPublishSuccess { event { ${fields} } }
  }
} ${fragments}`

async function send(document: string, variables = {}): Promise<Reply> {
  publisher = await bundle.newTenant({ scopes: ['PUBLISH'] })
  return publisher.client.send(document, variables)
}

async function countEvents(): Promise<number> {
  const { workspaceId } = publisher
  const query = 'query ($id: ID!) { events(workspaceId: $id, first: 5) { nodes { id } } }'
  return (await bundle.operator.ask(query, { id: workspaceId })).events.nodes.length
}

test.each([
  ['deliveries(first: 1) { nodes { id } }', '', ['deliveries'], 'Event.deliveries'],
  ['seen: deliveries(first: 1) { nodes { id } }', '', ['seen'], 'Event.deliveries'],
  [
    'workspace { endpoints(first: 1) { totalCount } }',
    '',
    ['workspace', 'endpoints'],
    'Workspace.endpoints',
  ],
  [
    '...more',
    'fragment more on Event { ... { deliveries(first: 1) { nodes { id } } } }',
    ['deliveries'],
    'Event.deliveries',
  ],
])('nothing is published for who may not read %s', async (...[fields, fragments, path, what]) => {
  const reply = await send(publish(`id ${fields}`, fragments))

  expect(reply.status).toBe(200)
  expect(reply.data).toBe(null)
  expect(reply.errors).toMatchObject([
    {
      message: `This key may not use ${what}; its scopes: PUBLISH.`,
      path: ['first', 'event', ...path],
      extensions: { code: 'FORBIDDEN' },
    },
  ])
  expect(await countEvents()).toBe(0)
})

test('what a publisher may see of their event is published and shown', async () => {
  const reply = await send(publish('id payloadText workspace { id }'))

  expect(reply.errors).toEqual([])
  expect(reply.data.first.event).toMatchObject({ payloadText: '1' })
  expect(await countEvents()).toBe(1)
})

test('a selection that is left out forbids nothing', async () => {
  const head = 'mutation ($more: Boolean = false)'
  const fields = 'id deliveries(first: 1) @include(if: $more) { nodes { id } }'

  const left = await send(publish(fields, '', head))
  const taken = await send(publish(fields, '', head), { more: true })

  expect(left.errors).toEqual([])
  expect(taken.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
})

test('every rule of the schema is of a kind that is understood beforehand', () => {
  const kinds = new Set<string>()
  for (const type of Object.values(schema.getTypeMap())) {
    const fields = 'getFields' in type ? Object.values(type.getFields()) : []
    for (const { extensions } of [type, ...fields]) {
      const { authScopes = {} } = (extensions['pothosOptions'] ?? {}) as { authScopes?: object }
      kinds.add(typeof authScopes)
      for (const name of Object.keys(authScopes)) kinds.add(name)
    }
  }
  expect(kinds).toEqual(new Set(['object', 'operator', 'manage', 'publish', 'read', '$any']))
})
