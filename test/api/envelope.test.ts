import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'

const json = { 'content-type': 'application/json' }
const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = json) => ({
  method: 'POST',
  headers,
  body,
})
const typename = JSON.stringify({ query: '{ __typename }' })
const creation = 'mutation { workspaceCreate(input: { name: "x" }) { __typename } }'
const mutation = JSON.stringify({ query: creation })

test.each([
  ['an empty body', '', 'Request body is empty; send a JSON object with "query".'],
  ['half a body', '{', 'Request body is not valid JSON (position 1).'],
  ['a byte order mark', `\u{feff}${typename}`, 'Request body is not valid JSON (position 0).'],
  ['a text', '"x"', 'Request body must be a JSON object with "query".'],
  ['no query', '{}', '"query" is required.'],
  ['a null query', '{"query":null}', '"query" is required.'],
  ['a number as query', '{"query":1}', '"query" must be a string, got number.'],
  [
    'a list as variables',
    '{"query":"{ __typename }","variables":[]}',
    '"variables" must be an object, got array.',
  ],
  [
    'a number as operation name',
    '{"query":"{ __typename }","operationName":1}',
    '"operationName" must be a string, got number.',
  ],
  ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'Request body is not valid UTF-8.'],
])('refuses %s with 400', async (_name, body, message) => {
  await using bundle = await openBundle()

  const reply = await bundle.operator.fetch('/graphql', post(body))

  expect(reply.status).toBe(400)
  expect(reply.errors).toMatchObject([
    { message, extensions: { code: 'BAD_USER_INPUT', reason: 'BAD_REQUEST' } },
  ])
  expect(reply.errors[0]?.extensions['requestId']).toBe(reply.headers.get('x-request-id'))
})

test('refuses a batch', async () => {
  await using bundle = await openBundle()

  const reply = await bundle.operator.fetch('/graphql', post(`[${typename},${typename}]`))

  expect(reply.status).toBe(400)
  expect(reply.errors).toMatchObject([
    {
      message: 'Batched requests are not supported; send one operation per request.',
      extensions: { reason: 'BATCHING_DISABLED' },
    },
  ])
})

test.each([
  ['text/plain', mutation],
  ['application/x-www-form-urlencoded', `query=${encodeURIComponent('{ __typename }')}`],
  ['multipart/form-data; boundary=x', '--x--'],
  ['application/graphql', '{ __typename }'],
  ['application/json; charset=utf-16', mutation],
  ['', mutation],
])('refuses a body of type "%s" with 415', async (type, body) => {
  await using bundle = await openBundle()

  const reply = await bundle.operator.fetch('/graphql', post(body, { 'content-type': type }))

  expect(reply.status).toBe(415)
  expect(reply.errors).toMatchObject([{ message: 'Use Content-Type: application/json, in UTF-8.' }])
  const { workspaces } = await bundle.operator.ask('{ workspaces(first: 1) { totalCount } }')
  expect(workspaces.totalCount).toBe(1) // the operator's own
})

test('keys that no specification knows are ignored', async () => {
  await using bundle = await openBundle()
  const body = { query: '{ __typename }', id: 'x', extensions: null, variables: null }

  const reply = await bundle.operator.fetch('/graphql', post(JSON.stringify(body)))

  expect(reply.data).toEqual({ __typename: 'Query' })
})

test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])('refuses %s with 405', async (method) => {
  await using bundle = await openBundle()

  const reply = await bundle.operator.fetch('/graphql', { method })

  expect(reply.status).toBe(405)
  expect(reply.headers.get('allow')).toBe('GET, POST')
  expect(reply.errors).toMatchObject([{ message: 'Use POST.' }])
  expect(reply.headers.get('access-control-allow-origin')).toBe(null)
})

test('answers a query by GET and refuses a mutation', async () => {
  await using bundle = await openBundle()
  const get = (query: string) => {
    return bundle.operator.fetch(`/graphql?query=${encodeURIComponent(query)}`)
  }

  const read = await get('{ __typename }')
  const write = await get(creation)

  expect(read.data).toEqual({ __typename: 'Query' })
  expect(write.status).toBe(405)
  expect(write.headers.get('allow')).toBe('POST')
  expect(write.errors).toMatchObject([{ message: 'Use POST.' }])
})

test('reads variables of a GET from the query string', async () => {
  await using bundle = await openBundle()
  const search = new URLSearchParams({
    query: 'query A($id: ID!) { node(id: $id) { id } } query B { __typename }',
    operationName: 'A',
    variables: '{"id":"x"}',
  })

  const reply = await bundle.operator.fetch(`/graphql?${search}`)

  expect(reply.data).toEqual({ node: null })
})

test.each(['application/xml', 'text/html'])('refuses to answer %s', async (accept) => {
  await using bundle = await openBundle()

  const reply = await bundle.operator.fetch('/graphql', post(typename, { ...json, accept }))

  expect(reply.status).toBe(406)
  expect(reply.errors).toMatchObject([
    { message: 'Use Accept: application/json or application/graphql-response+json.' },
  ])
})

test('a body over the limit is refused when it is announced', async () => {
  await using bundle = await openBundle()

  const reply = await bundle.operator.fetch('/graphql', post('x'.repeat(1024 * 1024 + 1)))

  expect(reply.status).toBe(413)
  expect(reply.errors).toMatchObject([
    {
      message: 'Request body is over 1048576 bytes.',
      extensions: { reason: 'PAYLOAD_TOO_LARGE', limit: 1_048_576 },
    },
  ])
})

test('a body that never ends is refused once it is over', async () => {
  await using bundle = await openBundle()
  const { port } = new URL(bundle.url)
  const socket = connect(Number(port), '127.0.0.1')
  const head = [
    'POST /graphql HTTP/1.1',
    'host: localhost',
    'content-type: application/json',
    `authorization: Bearer ${bundle.adminKey}`,
    'transfer-encoding: chunked',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
  socket.on('error', () => {})
  const answered = text(socket)
  for (let chunks = 0; chunks < 17; chunks++) socket.write(chunk)

  const answer = await answered

  expect(answer).toMatch(/^HTTP\/1.1 413 /)
  expect(answer).toContain('Request body is over 1048576 bytes.')
})

test('a subscription is sent to the socket', async () => {
  await using bundle = await openBundle()

  const reply = await bundle.operator.send('subscription { __typename }')

  expect(reply.status).toBe(400)
  expect(reply.errors).toMatchObject([
    {
      message:
        'Subscriptions use WebSocket at /graphql (graphql-transport-ws), ' +
        'or server-sent events at /graphql/stream.',
    },
  ])
})

test('another path is not found', async () => {
  await using bundle = await openBundle()

  expect((await bundle.operator.fetch('/graphqlx')).status).toBe(404)
  expect((await bundle.operator.fetch('/')).status).toBe(404)
})
