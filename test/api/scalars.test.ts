import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'

const expiring = `mutation ($input: ApiKeyCreateInput!) {
  apiKeyCreate(input: $input) { ... on ApiKeyCreateSuccess { apiKey { expiresAt } } }
}`
const key = { name: 'x', scopes: ['OPERATOR'] }

test.each([
  ['2126-03-19T10:00:00Z', '2126-03-19T10:00:00.000Z'],
  ['2126-03-19T10:00:00.1239Z', '2126-03-19T10:00:00.123Z'],
  ['2126-03-19T12:30:00+02:30', '2126-03-19T10:00:00.000Z'],
  ['2128-02-29t10:00:00z', '2128-02-29T10:00:00.000Z'],
  ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
])('reads the time %s', async (expiresAt, shown) => {
  await using bundle = await openBundle()

  const data = await bundle.operator.ask(expiring, { input: { ...key, expiresAt } })

  expect(data.apiKeyCreate.apiKey.expiresAt).toBe(shown)
})

test.each([
  '2126-02-30T00:00:00Z',
  '2127-02-29T00:00:00Z',
  '2126-13-01T00:00:00Z',
  '2126-03-19T24:00:00Z',
  '2126-03-19T10:60:00Z',
  '2126-03-19T10:00:00',
  '2126-03-19',
  '2126-03-19 10:00:00Z',
  '10000-01-01T00:00:00Z',
  '9999-12-31T23:59:59-01:00',
  '+002126-03-19T10:00:00Z',
  '2126-03-19T10:00:00+24:00',
  'tomorrow',
  '',
  1_773_914_400_000,
])('refuses the time %j', async (expiresAt) => {
  await using bundle = await openBundle()

  const reply = await bundle.operator.send(expiring, { input: { ...key, expiresAt } })

  expect(reply.status).toBe(400)
  expect(reply.errors).toMatchObject([
    { extensions: { code: 'BAD_USER_INPUT', field: 'input.expiresAt' } },
  ])
  expect(reply.errors[0]?.message).toContain('is not an RFC 3339 time')
})

test('a time in the document is read like one in a variable', async () => {
  await using bundle = await openBundle()
  const withTime = (time: string) =>
    `mutation { apiKeyCreate(input: { name: "x", scopes: [OPERATOR], expiresAt: "${time}" }) {
      ... on ApiKeyCreateSuccess { apiKey { expiresAt } }
    } }`

  const good = await bundle.operator.ask(withTime('2126-03-19T10:00:00Z'))
  const bad = await bundle.operator.send(withTime('2126-02-30T10:00:00Z'))

  expect(good.apiKeyCreate.apiKey.expiresAt).toBe('2126-03-19T10:00:00.000Z')
  expect(bad.status).toBe(400)
})

const typed = `mutation ($example: JSON) {
  eventTypeCreate(input: { name: "a", example: $example }) {
    __typename ... on EventTypeCreateSuccess { eventType { example } }
  }
}`

test.each([
  '{"b":[1,-2.5,1000,true,null,"\\u00e9\\ud83d\\u0000"],"__proto__":{"a":{}}}',
  '"text"',
  '"null"',
  '"1"',
  'false',
  '0',
  '[]',
])('the JSON value %s comes back as it was', async (written) => {
  await using bundle = await openBundle()
  const example = JSON.parse(written)

  const { eventTypeCreate } = await bundle.operator.ask(typed, { example })

  expect(JSON.stringify(eventTypeCreate.eventType.example)).toBe(JSON.stringify(example))
})

test('a JSON literal takes variables within', async () => {
  await using bundle = await openBundle()

  const data = await bundle.operator.ask(
    `mutation ($inner: JSON) {
      eventTypeCreate(input: { name: "a", example: { list: [1, 2.5, "x", null, $inner] } }) {
        ... on EventTypeCreateSuccess { eventType { example } }
      }
    }`,
    { inner: { deep: [true] } },
  )

  const example = { list: [1, 2.5, 'x', null, { deep: [true] }] }
  expect(data.eventTypeCreate.eventType.example).toEqual(example)
})

test.each([513, 5_000, 100_000])('refuses JSON that is %i levels deep', async (levels) => {
  await using bundle = await openBundle()
  const example = `${'['.repeat(levels)}${']'.repeat(levels)}`
  const body = `{"query":${JSON.stringify(typed)},"variables":{"example":${example}}}`
  const headers = { 'content-type': 'application/json' }

  const reply = await bundle.operator.fetch('/graphql', { method: 'POST', headers, body })

  expect(reply.status).toBe(400)
  expect(reply.errors[0]?.message).toContain('nested more than 512 levels deep')
})
