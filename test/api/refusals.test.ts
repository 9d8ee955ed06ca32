import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'
import { startPlatform } from '../support/platform.ts'
import { startReceiver } from '../support/receiver.ts'

const publishResult = `{
  __typename
  ... on ValidationError { issues { path message } }
}`

test.each([
  [
    'the default of a variable',
    `mutation ($p: JSON! = 12345678901234567890) {
      eventPublish(input: { eventType: "invoice.paid", payload: $p }) ${publishResult}
    }`,
  ],
  [
    'a batch of one without brackets',
    `mutation { eventPublishBatch(input: {
      events: { eventType: "invoice.paid", payload: { n: 1.10 } }
    }) ${publishResult} }`,
  ],
])('a number that would lose digits is refused in %s', async (_where, query) => {
  await using platform = await startPlatform({ delivers: false })
  const data = await platform.client.ask(query)
  const [answer] = Object.values(data) as [{ __typename: string; issues: unknown[] }]
  expect(answer).toMatchObject({
    __typename: 'ValidationError',
    issues: [{ message: expect.stringContaining('payloadText') }],
  })
})

test('publishing lists every wrong field at once', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const deliverAt = new Date(Date.now() + 40 * 86_400_000).toISOString()
  const wrong = { eventType: 'no..such', payloadText: '{', idempotencyKey: '', deliverAt }
  const right = { eventType: 'invoice.paid', payloadText: '{}' }

  const one = await client.mutate('eventPublish', wrong)
  const batch = await client.mutate('eventPublishBatch', { events: [right, wrong] })

  const fields = ['eventType', 'idempotencyKey', 'payloadText', 'deliverAt']
  const pathsOf = ({ issues }: { issues: { path: string[] }[] }) => issues.map(({ path }) => path)
  expect(pathsOf(one)).toEqual(fields.map((field) => [field]))
  expect(pathsOf(batch)).toEqual(fields.map((field) => ['events', '1', field]))
})

test('a page size by default counts in the cost of a query', async () => {
  await using bundle = await openBundle()
  const query = `query ($n: Int = 100) { workspaces(first: $n) { nodes {
    endpoints(first: $n) { nodes { deliveries(first: $n) { nodes { id } } } } } } }`
  const { errors } = await bundle.operator.send(query)
  expect(errors[0]).toMatchObject({ extensions: { code: 'QUERY_TOO_COMPLEX' } })
})

test.each([
  ['a filter', '{ deliveries(first: 1, filter: { eventTypes: ["a\\u0000"] }) { nodes { id } } }'],
  ['a name', '{ endpoints(first: 1, filter: { externalId: "a\\u0000" }) { nodes { id } } }'],
])('NUL in %s is the mistake of the caller', async (_where, query) => {
  await using platform = await startPlatform({ delivers: false })
  const { errors } = await platform.client.send(query)
  expect(errors[0]).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } })
})

test('a list nested too deep is refused, and nothing breaks', async () => {
  await using bundle = await openBundle()
  const { errors } = await bundle.operator.send(`{ a(x: ${'['.repeat(1_900)}) }`)
  expect(errors[0]?.extensions.code).not.toBe('INTERNAL_SERVER_ERROR')
})

test("a person's retry does not wait for the end of a pause", async () => {
  await using receiver = await startReceiver([
    { status: 503, headers: { 'retry-after': '3600' } },
    200,
  ])
  await using platform = await startPlatform()
  const { id: endpointId } = await platform.addEndpoint(receiver.url)
  await platform.publish()
  await platform.watch.untilStatus('RETRYING')
  const health = 'query ($id: ID!) { endpoint(id: $id) { health { nextProbeAt } } }'
  const paused = await platform.client.ask(health, { id: endpointId })
  expect(paused.endpoint.health.nextProbeAt).not.toBeNull()
  const [{ id }] = (await platform.deliveries()) as [{ id: string }]
  await platform.client.mutate('deliveryRetry', { id }, 'delivery { id }')
  await platform.watch.untilStatus('SUCCEEDED')
})

test('a ping does not wait for the end of a pause', async () => {
  await using receiver = await startReceiver([
    { status: 429, headers: { 'retry-after': '3600' } },
    200,
  ])
  await using platform = await startPlatform()
  const { id } = await platform.addEndpoint(receiver.url, { retrySchedule: [] })
  await platform.publish()
  await platform.watch.untilStatus('FAILED')
  await platform.client.mutate('endpointPing', { id }, 'delivery { id }')
  await platform.watch.untilStatus('SUCCEEDED')
})
