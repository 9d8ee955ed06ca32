import { expect, test } from 'vitest'
import { type Bundle, openBundle } from '../support/bundle.ts'
import type { Client } from '../support/client.ts'
import { addEndpoint } from '../support/endpoints.ts'

/** Ids of everything one workspace has, by the name that stands for them below. */
type Ids = Readonly<Record<'endpoint' | 'workspace' | 'key' | 'delivery' | 'event', string>>

/** Well formed, and nobody's. */
const nobody: Ids = {
  endpoint: 'wh_01h455vb4pex5vsknk084sn02q',
  workspace: 'ws_01h455vb4pex5vsknk084sn02q',
  key: 'key_01h455vb4pex5vsknk084sn02q',
  delivery: 'dlv_01h455vb4pex5vsknk084sn02q',
  event: 'evt_01h455vb4pex5vsknk084sn02q',
}

const asked: readonly [name: string, query: (ids: Ids) => string][] = [
  ['node of an endpoint', ({ endpoint }) => `{ node(id: "${endpoint}") { id } }`],
  ['node of a workspace', ({ workspace }) => `{ node(id: "${workspace}") { id } }`],
  ['node of a key', ({ key }) => `{ node(id: "${key}") { id } }`],
  ['node of a delivery', ({ delivery }) => `{ node(id: "${delivery}") { id } }`],
  ['node of an event', ({ event }) => `{ node(id: "${event}") { id } }`],
  [
    'nodes',
    ({ endpoint, workspace, key, delivery, event }) =>
      `{ nodes(ids: ${JSON.stringify([endpoint, workspace, key, delivery, event])}) { id } }`,
  ],
  ['endpoint', ({ endpoint }) => `{ endpoint(id: "${endpoint}") { id url } }`],
  ['workspace', ({ workspace }) => `{ workspace(id: "${workspace}") { id name } }`],
  [
    'endpoints',
    ({ workspace }) => `{ endpoints(workspaceId: "${workspace}", first: 1) { totalCount } }`,
  ],
  ['endpointUpdate', ({ endpoint }) => mutation('Update', `id: "${endpoint}", ordered: true`)],
  ['endpointUpdate of nothing', ({ endpoint }) => mutation('Update', `id: "${endpoint}"`)],
  ['endpointDelete', ({ endpoint }) => mutation('Delete', `id: "${endpoint}"`)],
  ['endpointEnable', ({ endpoint }) => mutation('Enable', `id: "${endpoint}"`)],
  ['endpointDisable', ({ endpoint }) => mutation('Disable', `id: "${endpoint}"`)],
  ['endpointPing', ({ endpoint }) => mutation('Ping', `id: "${endpoint}"`)],
  ['endpointSecretRotate', ({ endpoint }) => mutation('SecretRotate', `id: "${endpoint}"`)],
  [
    'endpointCreate',
    ({ workspace }) =>
      mutation('Create', `workspaceId: "${workspace}", url: "https://a.com", eventTypes: ["*"]`),
  ],
]

test.each(asked)('%s of another workspace answers as for nobody', async (_name, query) => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const theirs = await fillWorkspace(bundle)
  const before = await tenantRows(bundle)

  const foreign = await answer(client, query(theirs))
  const unknown = await answer(client, query(nobody))

  expect(foreign).toBe(unknown)
  expect(await tenantRows(bundle)).toEqual(before)
})

test('the same questions are answered to their own key', async () => {
  await using bundle = await openBundle()
  const theirs = await fillWorkspace(bundle)

  const same: string[] = []
  for (const [name, query] of asked.filter(([one]) => !/Delete|of nothing/.test(one))) {
    const own = await answer(theirs.client, query(theirs))
    const unknown = await answer(theirs.client, query(nobody))
    if (own === unknown) same.push(name)
  }

  expect(same).toEqual([])
})

test('an external id is looked up within the wall', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  await bundle.operator.mutate('workspaceCreate', { name: 'Other', externalId: 'other-1' })
  const query = (externalId: string) => `{ workspace(externalId: "${externalId}") { id } }`

  const foreign = await answer(client, query('other-1'))

  expect(foreign).toBe(await answer(client, query('nobody-1')))
})

test('lists hold what is on this side of the wall', async () => {
  await using bundle = await openBundle()
  const one = await bundle.newTenant()
  const { id } = await addEndpoint(one.client)
  await fillWorkspace(bundle)

  const seen = await one.client.ask('{ endpoints(first: 10) { totalCount nodes { id } } }')

  expect(seen.endpoints).toEqual({ totalCount: 1, nodes: [{ id }] })
})

test("a cursor of another workspace's list is not valid", async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { client: their } = await fillWorkspace(bundle)
  const page = await their.ask('{ endpoints(first: 1) { pageInfo { endCursor } } }')
  const after = page.endpoints.pageInfo.endCursor

  const reply = await client.send(`{ endpoints(first: 1, after: "${after}") { totalCount } }`)

  expect(reply.errors).toMatchObject([
    { message: 'after: not a valid cursor.', extensions: { code: 'BAD_USER_INPUT' } },
  ])
})

test('the operator reaches every workspace by bare ids', async () => {
  await using bundle = await openBundle()
  const { endpoint, delivery, event } = await fillWorkspace(bundle)

  const { nodes } = await bundle.operator.ask('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
    ids: [endpoint, delivery, event],
  })

  expect(nodes).toEqual([{ id: endpoint }, { id: delivery }, { id: event }])
})

/** Another workspace with one of everything. */
async function fillWorkspace(bundle: Bundle): Promise<Ids & { readonly client: Client }> {
  const { client, workspaceId, keyId } = await bundle.newTenant({ name: 'Other' })
  const { id: endpoint } = await addEndpoint(client)
  const fields = 'delivery { id event { id } }'
  const { delivery } = await client.mutate('endpointPing', { id: endpoint }, fields)
  const { id, event } = delivery
  return { client, endpoint, workspace: workspaceId, key: keyId, delivery: id, event: event.id }
}

function mutation(verb: string, input: string): string {
  return `mutation {
    endpoint${verb}(input: { ${input} }) { __typename ... on Error { code message } }
  }`
}

/** Without what differs from request to request. */
async function answer(client: Client, query: string): Promise<string> {
  const { status, text } = await client.send(query)
  return `${status} ${text.replace(/"requestId":"[^"]*"/, '')}`
}

async function tenantRows({ database }: Bundle) {
  const { rows } = await database.pool.query(
    `select endpoint.*, (select count(*) from endpoint_secret) as secrets,
      (select count(*) from delivery) as deliveries
    from endpoint order by id`,
  )
  return rows
}

test('nodes takes so many ids and no more', async () => {
  await using bundle = await openBundle()
  const ask = (count: number) =>
    bundle.operator.send('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
      ids: Array.from({ length: count }, () => nobody.endpoint),
    })

  const most = await ask(100)
  const over = await ask(101)

  expect(most.data.nodes).toHaveLength(100)
  expect(over.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', field: 'ids' } }])
})
