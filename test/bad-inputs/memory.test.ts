import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { type Bundle, openBundle, type Tenant } from '../support/bundle.ts'
import { heldBytes } from '../support/held-bytes.ts'
import { openReadySocket } from '../support/socket.ts'

const mib = 1024 * 1024
const rounds = 12

test('bad inputs leave nothing behind in memory', async () => {
  await using bundle = await openBundle()
  const tenant = await bundle.newTenant()
  await abuse(bundle, tenant) // code and caches are made by the first
  const before = heldBytes()
  for (let round = 0; round < rounds; round += 1) await abuse(bundle, tenant)
  // A round sends 6 MiB. A file of them all may leave 50 MB; so often the same leaves next to none.
  expect(heldBytes() - before).toBeLessThan(10 * mib)
}, 60_000)

const nested = (levels: number) => `{${'a{'.repeat(levels)}b${'}'.repeat(levels)}}`
const documents = [
  nested(20_000),
  `{ ${'... { __typename } '.repeat(4_000)} }`,
  `${'#\n'.repeat(200_000)}{ __typename }`,
  `{ __typename ${'@skip(if: false) '.repeat(5_000)} }`,
]
const creation = `mutation ($input: EndpointCreateInput!) {
  endpointCreate(input: $input) { __typename }
}`
const url = 'https://example.com/'
const inputs = [
  { url, eventTypes: ['*'], description: 'x'.repeat(900_000) },
  { url, eventTypes: ['*'], metadata: { a: 'x'.repeat(900_000) } },
  { url, eventTypes: Array.from({ length: 50_000 }, (_, n) => `no.such.${n}`) },
  { url, eventTypes: ['*'], more: Object.fromEntries(Array.from({ length: 50_000 }, entryOf)) },
]

function entryOf(_: unknown, n: number): readonly [string, number] {
  return [`k${n}`, n]
}

/** What would stay if a body, a document, a message or a refusal were kept. */
async function abuse(bundle: Bundle, { key, client }: Tenant): Promise<void> {
  for (const document of documents) await client.send(document)
  for (const input of inputs) await client.send(creation, { input })
  const body = 'x'.repeat(mib + 1)
  await client.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  await sendEndless(bundle)
  await flood(bundle, key)
}

/** A body that never ends, until it is refused. */
async function sendEndless({ url: origin, adminKey }: Bundle): Promise<void> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  const head = ['POST /graphql HTTP/1.1', 'host: localhost', 'content-type: application/json']
  const more = [`authorization: Bearer ${adminKey}`, 'transfer-encoding: chunked']
  socket.on('error', () => {}) // it is hung up on
  socket.write(`${[...head, ...more].join('\r\n')}\r\n\r\n`)
  for (let sent = 0; sent < 17; sent += 1) socket.write(`10000\r\n${'x'.repeat(0x10000)}\r\n`)
  socket.resume()
  await once(socket, 'close')
}

/** Messages without end, and one in parts without end. */
async function flood({ url: origin }: Bundle, key: string): Promise<void> {
  await using many = await openReadySocket(origin, key)
  for (let n = 0; n < 5_000; n += 1) many.send({ type: 'ping', payload: { n: 'x'.repeat(100) } })
  await many.closed
  await using parts = await openReadySocket(origin, key)
  for (let n = 0; n < 5_000; n += 1) parts.socket.send('x', { fin: false })
  await parts.closed
}
