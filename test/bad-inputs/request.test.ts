import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openVictim, type Victim } from '../support/victim.ts'

/*
 * Requests that are wrong before anything is executed. What exactly they are told is tested in
 * `test/api`; here each must do no harm.
 */

let victim: Victim

beforeAll(async () => {
  victim = await openVictim()
})

afterAll(() => victim[Symbol.asyncDispose]())

const json = { 'content-type': 'application/json' }
const creation = 'mutation { eventTypeCreate(input: { name: "made.by.mistake" }) { __typename } }'
const mutation = JSON.stringify({ query: creation })
const mib = 1024 * 1024

function post(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = json) {
  return { method: 'POST', headers, body }
}

const form = 'application/x-www-form-urlencoded'
const multipart = 'multipart/form-data; boundary=x'
const parts = `--x\r\ncontent-disposition: form-data; name="query"\r\n\r\n${creation}\r\n--x--\r\n`

test.each<readonly [id: string, init: RequestInit, status: number]>([
  ['A1 empty', post(''), 400],
  ['A2 half', post('{'), 400],
  ['A4 batch', post(`[${mutation},${mutation}]`), 400],
  ['A5 no query', post('{}'), 400],
  ['A7 variables', post(JSON.stringify({ query: creation, variables: 'x' })), 400],
  ['A10 too long', post(' '.repeat(mib + 1)), 413],
  ['A13 form', post(`query=${encodeURIComponent(creation)}`, { 'content-type': form }), 415],
  ['A14 multipart', post(parts, { 'content-type': multipart }), 415],
  ['A16 no type', post(new TextEncoder().encode(mutation), {}), 415],
  ['A16 text', post(mutation, { 'content-type': 'text/plain' }), 415],
  ['A19 PUT', { ...post(mutation), method: 'PUT' }, 405],
  ['A19 DELETE', { ...post(mutation), method: 'DELETE' }, 405],
  ['A20 XML', post(mutation, { ...json, accept: 'application/xml' }), 406],
  ['A22 no UTF-8', post(Buffer.concat([Buffer.from(mutation), Buffer.from([0xff])])), 400],
  ['A23 BOM', post(`\u{feff}${mutation}`), 400],
  ['A25 headers', post(mutation, { ...json, 'x-a': 'x'.repeat(20_000) }), 431],
])('%s does no harm', async (_id, init, status) => {
  const client = victim.bundle.operator
  const send = () => client.fetch('/graphql', init)
  const reply = await (status === 431 ? send() : victim.harmless(send))

  expect(reply.status).toBe(status)
})

test('A17: a mutation by GET does no harm', async () => {
  const path = `/graphql?query=${encodeURIComponent(creation)}`
  const reply = await victim.harmless(() => victim.bundle.operator.fetch(path))

  expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'POST'])
})

test('A19: TRACE is answered and nothing is echoed', async () => {
  const answer = await traced(victim.bundle.url)

  expect(answer.status).toBe(405)
  expect(answer.body).not.toContain('secret-of-the-request')
})

const nested = (levels: number) => `{${'a{'.repeat(levels)}b${'}'.repeat(levels)}}`
const created = creation.slice('mutation { '.length, -2)
const many = (count: number, part: (n: number) => string) => {
  return Array.from({ length: count }, (_, n) => part(n)).join(' ')
}
const wide = 'endpoints(first: 100) { nodes { deliveries(first: 100) { nodes { id } } } }'

test.each<readonly [id: string, query: string, variables: object, code: RegExp]>([
  ['B1', '{hello', {}, /PARSE_FAILED/],
  ['B3', 'query A { __typename } query B { __typename }', {}, /BAD_USER_INPUT/],
  ['B6', '{ endpoint { id } }', {}, /VALIDATION_FAILED/],
  [
    'B7',
    '{ deliveriesCount(filter: { lastStatusCode: { min: 2147483648 } }) { value } }',
    {},
    /VALIDATION|BAD_USER_INPUT/,
  ],
  ['B9', 'query ($n: Int!) { endpoints(first: $n) { totalCount } }', { n: null }, /BAD_USER_INPUT/],
  [
    'B10',
    '{ endpoints(first: 1, filter: { status: X }) { totalCount } }',
    {},
    /VALIDATION|BAD_USER/,
  ],
  ['B12', nested(500), {}, /QUERY_TOO_COMPLEX/],
  ['B13', nested(20_000), {}, /QUERY_TOO_COMPLEX/],
  ['B15', `mutation { ${many(1_000, (n) => `m${n}: ${created}`)} }`, {}, /QUERY_TOO_COMPLEX/],
  ['B16', `{ __typename ${'@skip(if: false) '.repeat(5_000)} }`, {}, /QUERY_TOO_COMPLEX/],
  ['B18', `{ ${'... { __typename } '.repeat(4_000)} }`, {}, /QUERY_TOO_COMPLEX/],
  ['B19', `${'#\n'.repeat(200_000)}${creation}`, {}, /QUERY_TOO_COMPLEX/],
  [
    'B21',
    creation,
    Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [n, 0])),
    /BAD_USER/,
  ],
  ['B22', `{ ${wide} }`, {}, /QUERY_TOO_COMPLEX/],
  ['B24', 'subscription { deliveryChanges { __typename } }', {}, /BAD_USER_INPUT/],
  [
    'B cycle',
    '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }',
    {},
    /QUERY|VALID/,
  ],
])('the document %s does no harm', async (...[, query, variables, code]) => {
  const before = process.cpuUsage()
  const reply = await victim.harmless(() => victim.bundle.operator.send(query, variables))

  expect(reply.status).toBe(400)
  expect(reply.errors[0]?.extensions.code).toMatch(code)
  expect(process.cpuUsage(before).user).toBeLessThan(1_000_000)
})

/** `fetch` does not send it. */
async function traced(url: string): Promise<{ status: number | undefined; body: string }> {
  const headers = { 'x-test': 'secret-of-the-request' }
  const sent = request(new URL('/graphql', url), { method: 'TRACE', headers }).end()
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  sent.once('response', resolve)
  sent.once('error', reject)
  const response = await promise
  return { status: response.statusCode, body: await text(response) }
}
