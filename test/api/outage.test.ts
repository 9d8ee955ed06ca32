import { expect, test } from 'vitest'
import { type Bundle, openBundle } from '../support/bundle.ts'
import { type CuttableWay, openWay } from '../support/cuttable.ts'
import { addEndpoint } from '../support/endpoints.ts'

test('a database that is down is UNAVAILABLE, and then is back', async () => {
  await using both = await openWithWay()
  const { bundle, way } = both
  const { client } = await bundle.newTenant()
  await client.ask('{ viewer { scopes } }')
  await way.cut()

  const read = await client.send('{ endpoints(first: 1) { totalCount } }')
  const written = await client.send(
    `mutation { endpointCreate(input: { url: "https://example.com", eventTypes: ["*"] }) {
      __typename
    } }`,
  )
  const asOperator = await bundle.operator.send('{ workspaces(first: 1) { totalCount } }')
  await way.mend()
  const back = await client.send('{ endpoints(first: 1) { totalCount } }')

  for (const reply of [read, written, asOperator]) {
    expect(reply.status).toBe(503)
    expect(reply.headers.get('retry-after')).toBe('1')
    expect(reply.errors).toMatchObject([
      {
        message: 'The service is not available right now. Try again.',
        extensions: { code: 'UNAVAILABLE', retryable: true },
      },
    ])
  }
  expect(back.data).toEqual({ endpoints: { totalCount: 0 } })
})

test('what is our fault is masked and can be found by its id', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  await bundle.database.pool.query('alter table endpoint rename to misplaced')

  const reply = await client.send('{ endpoints(first: 1) { totalCount } }')

  expect(reply.status).toBe(500)
  expect(reply.errors).toEqual([
    {
      message: 'Something went wrong on our side.',
      path: ['endpoints'],
      locations: [{ line: 1, column: 3 }],
      extensions: {
        code: 'INTERNAL_SERVER_ERROR',
        requestId: reply.headers.get('x-request-id'),
      },
    },
  ])
})

test('one row that cannot be opened harms no other', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const headers = [{ name: 'x-a', value: '1' }]
  const one = await addEndpoint(client, { headers })
  const other = await addEndpoint(client, { headers })
  // The first row's ciphertext in the second's place.
  await bundle.database.pool.query(
    `update endpoint
    set headers_sealed = (select headers_sealed from endpoint order by id limit 1)`,
  )

  const query = '{ endpoints(first: 5) { nodes { id headers { value } } } }'
  const { endpoints } = await client.ask(query)

  expect(endpoints.nodes).toEqual([
    { id: other.id, headers: [] },
    { id: one.id, headers: [{ value: '1' }] },
  ])
})

/** A bundle whose database can be cut off. */
async function openWithWay(): Promise<AsyncDisposable & { bundle: Bundle; way: CuttableWay }> {
  const ways: CuttableWay[] = []
  const bundle = await openBundle({
    way: async (url) => {
      const way = await openWay(url)
      ways.push(way)
      return way
    },
  })
  const [way] = ways
  if (!way) throw new Error('The bundle did not take the way.')
  return { bundle, way, [Symbol.asyncDispose]: () => bundle[Symbol.asyncDispose]() }
}
