import { getIntrospectionQuery } from 'graphql'
import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'

const first = 'query ($v: Int!) { workspaces(first: $v) { totalCount } }'
const filter = (type: string, given: string) =>
  `query ($v: ${type}) { endpoints(first: 1, filter: ${given}) { totalCount } }`

test.each([
  [
    'a syntax error',
    '{hello',
    'GRAPHQL_PARSE_FAILED',
    'Syntax Error: Expected Name, found <EOF>. (line 1, column 7)',
  ],
  [
    'an unknown field',
    '{ nothing }',
    'GRAPHQL_VALIDATION_FAILED',
    'Cannot query field "nothing" on type "Query".',
  ],
  [
    'a missing argument',
    '{ node { id } }',
    'GRAPHQL_VALIDATION_FAILED',
    'Field "node" argument "id" of type "ID!" is required, but it was not provided.',
  ],
  [
    'two operations without a name',
    'query A { __typename } query B { __typename }',
    'BAD_USER_INPUT',
    '"operationName" is required when the document has more than one operation.',
  ],
  ['no operation', 'fragment A on Query { __typename }', 'BAD_USER_INPUT', 'has no operation.'],
])('refuses %s with 400', async (...[, query, code, message]) => {
  await using bundle = await openBundle()

  const reply = await bundle.operator.send(query)

  expect(reply.status).toBe(400)
  expect(reply.errors[0]?.extensions.code).toBe(code)
  expect(reply.errors[0]?.message).toContain(message)
})

test('a client of plain application/json gets 200 for a document error', async () => {
  await using bundle = await openBundle()
  const ask = (accept: string) =>
    bundle.operator.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: JSON.stringify({ query: '{ nothing }' }),
    })

  const legacy = await ask('application/json')
  const modern = await ask('application/graphql-response+json, application/json;q=0.9')

  expect([legacy.status, modern.status]).toEqual([200, 400])
  expect(modern.headers.get('content-type')).toContain('application/graphql-response+json')
})

test('an unknown operation name is named', async () => {
  await using bundle = await openBundle()
  const body = JSON.stringify({ query: 'query A { __typename }', operationName: 'B' })
  const headers = { 'content-type': 'application/json' }

  const reply = await bundle.operator.fetch('/graphql', { method: 'POST', headers, body })

  expect(reply.status).toBe(400)
  expect(reply.errors).toMatchObject([
    {
      message: 'No operation named "B".',
      extensions: { reason: 'OPERATION_RESOLUTION_FAILURE' },
    },
  ])
})

test.each([
  [2_147_483_648, 'v', 'non 32-bit signed integer value: 2147483648', first],
  [null, 'v', 'must not be null.', first],
  ['X', 'v', 'does not exist in "EndpointStatus" enum', filter('EndpointStatus', '{ status: $v }')],
  [{ status: 1 }, 'v.status', 'cannot represent non-string', filter('EndpointFilter', '$v')],
])('names the variable that is %j', async (...[v, field, message, document]) => {
  await using bundle = await openBundle()

  const reply = await bundle.operator.send(document, { v })

  expect(reply.status).toBe(400)
  expect(reply.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', field } }])
  expect(reply.errors[0]?.message).toContain(message)
})

const enabled = 'Known: DISABLED, ENABLED.'

test.each([
  [
    'a variable',
    'query ($v: EndpointStatus) { endpoints(filter: { status: $v }) { totalCount } }',
    'X',
    enabled,
  ],
  [
    'a number',
    'query ($v: EndpointStatus) { endpoints(filter: { status: $v }) { totalCount } }',
    1,
    enabled,
  ],
  ['the document', '{ endpoints(filter: { status: BROKEN }) { totalCount } }', null, enabled],
  [
    'a near miss',
    '{ endpoints(filter: { status: ENABLE }) { totalCount } }',
    null,
    'Did you mean the enum value "ENABLED"',
  ],
])('a wrong enum value in %s is told the right ones', async (...[, document, v, told]) => {
  await using bundle = await openBundle()

  const reply = await bundle.operator.send(document, { v })

  expect(reply.status).toBe(400)
  expect(reply.errors[0]?.message).toContain(told)
})

const query = (selection: string) => `{ workspaces(first: 1) { nodes { ${selection} } } }`

test.each([
  ['QUERY_TOO_DEEP', `{ a ${'{ a '.repeat(500)}${'} '.repeat(501)}`, 501, 12],
  ['TOO_MANY_ROOT_FIELDS', `{ ${'a: __typename '.repeat(11)} }`, 11, 10],
  [
    'TOO_MANY_ALIASES',
    query(Array.from({ length: 31 }, (_, i) => `a${i}: name`).join(' ')),
    31,
    30,
  ],
  ['TOO_MANY_FIELDS', query('name '.repeat(101)), 101, 100],
  ['TOO_MANY_DIRECTIVES', query(`name ${'@include(if: true) '.repeat(51)}`), 51, 50],
  [
    'QUERY_TOO_COMPLEX',
    '{ workspaces(first: 100) { nodes { endpoints(first: 100) { nodes { id } } } } }',
    50_400,
    5000,
  ],
])('refuses a query that is %s', async (...[reason, document, actual, limit]) => {
  await using bundle = await openBundle()

  const reply = await bundle.operator.send(document)

  expect(reply.status).toBe(400)
  expect(reply.errors[0]).toMatchObject({
    extensions: { code: 'QUERY_TOO_COMPLEX', reason, actual, limit },
  })
})

test('page sizes count in variables as they do in the document', async () => {
  await using bundle = await openBundle()
  const document = `query ($n: Int!) {
    workspaces(first: $n) { nodes { endpoints(first: $n) { nodes { id } } } }
  }`

  const few = await bundle.operator.send(document, { n: 10 })
  const many = await bundle.operator.send(document, { n: 100 })

  expect(few.status).toBe(200)
  expect(many.errors).toMatchObject([{ extensions: { reason: 'QUERY_TOO_COMPLEX' } }])
})

test.each([
  ['20,000 levels', `{a${'{a'.repeat(20_000)}${'}'.repeat(20_001)}`],
  ['7,000 levels', `{a${'{a'.repeat(4_900)}${'}'.repeat(4_901)}`],
  ['200,000 comments', `${'#\n'.repeat(200_000)}{ __typename }`],
  ['thousands of comments', `${'#\n'.repeat(3_000)}{ __typename }`],
  ['4,000 fragments', `{ ${'...{a}'.repeat(2_000)} }`],
])('refuses %s before validating them', async (_name, document) => {
  await using bundle = await openBundle()

  const reply = await bundle.operator.send(document)

  expect(reply.status).toBe(400)
  expect(reply.errors).toMatchObject([
    { extensions: { code: 'QUERY_TOO_COMPLEX', reason: 'QUERY_TOO_LONG' } },
  ])
})

test('the usual introspection query passes all limits', async () => {
  await using bundle = await openBundle()
  const data = await bundle.operator.ask(getIntrospectionQuery())

  expect(data).toMatchObject({ __schema: { queryType: { name: 'Query' } } })
})

test('an object with too many keys is refused', async () => {
  await using bundle = await openBundle()
  const v = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`k${index}`, 0]))

  const reply = await bundle.operator.send('query ($v: JSON) { __typename }', { v: [v] })

  expect(reply.status).toBe(400)
  expect(reply.errors).toMatchObject([
    { extensions: { reason: 'INPUT_TOO_LARGE', actual: 10_001, limit: 10_000 } },
  ])
})
