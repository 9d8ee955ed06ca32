import { afterAll, beforeAll, expect, test } from 'vitest'
import { openVictim, type Victim } from '../support/victim.ts'

/* What is well formed and still must not be taken, through the API as a customer meets it. */

let victim: Victim

beforeAll(async () => {
  victim = await openVictim()
})

afterAll(() => victim[Symbol.asyncDispose]())

type Case = readonly [id: string, input: object, path: string, says: string | RegExp]

const url = 'https://example.com/'
const whsec = (bytes: number) => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`
const nul = 'a\0b'
const surrogate = 'a\ud800b'
const bidi = 'a\u{202e}b'

const creation = { url, eventTypes: ['*'] }
const endpoint = (fields: object) => ({ ...creation, ...fields })
const header = (name: string, value = 'x') => endpoint({ headers: [{ name, value }] })
const headers = (count: number, value: string) => {
  return endpoint({ headers: Array.from({ length: count }, (_, n) => ({ name: `x-${n}`, value })) })
}

const endpointCases: readonly Case[] = [
  ['D1 port', endpoint({ url: 'https://example.com:25/' }), '', 'port 25'],
  ['D1 metadata', endpoint({ url: 'http://169.254.169.254/' }), '', 'url: '],
  ['D1 decimal', endpoint({ url: 'http://2852039166/' }), '', 'url: '],
  ['D1 scheme', endpoint({ url: 'file:///etc/passwd' }), '', 'url: '],
  ['D1 user', endpoint({ url: 'https://a:b@example.com/' }), '', 'url: '],
  ...['Host', 'content-length', 'Transfer-Encoding', 'Connection', 'webhook-signature'].map(
    (name): Case => [`D3 ${name}`, header(name), 'headers.0.name', 'reserved'],
  ),
  ['D3 Metadata-Flavor', header('Metadata-Flavor'), 'headers.0.name', 'reserved'],
  ...['x a', 'x:y', '', 'é', 'x'.repeat(300)].map((name): Case => [
    `D4 ${name.slice(0, 5)}`,
    header(name),
    'headers.0.name',
    '',
  ]),
  ['D6 count', headers(51, 'x'), 'headers', '51'],
  ['D6 value', header('x-a', 'x'.repeat(4_097)), 'headers.0.value', '4096'],
  ['D6 all', headers(3, 'x'.repeat(4_000)), 'headers', '8192'],
  ['D6 line break', header('x-a', 'a\r\nb: c'), 'headers.0.value', ''],
  [
    'D7',
    endpoint({ headers: ['X-A', 'x-a'].map((name) => ({ name, value: 'v' })) }),
    'headers.1.name',
    'twice',
  ],
  ...['whsec_', 'whsec_AAAA', whsec(23), whsec(65), 'whsec_!!!', 'secret', 'whpk_AAAA'].map(
    (secret): Case => [`D9 ${secret.slice(0, 10)}`, endpoint({ secret }), 'secret', '24 to 64'],
  ),
  ['D9 url-safe', endpoint({ secret: `whsec_${'-_'.repeat(22)}` }), 'secret', '24 to 64'],
  ['D9 unpadded', endpoint({ secret: whsec(25).replace(/=+$/, '') }), 'secret', '24 to 64'],
  ['D21 NUL', endpoint({ description: nul }), 'description', 'NUL'],
  ['D21 surrogate', endpoint({ description: surrogate }), 'description', 'Unicode'],
  ['D21 1 MB', endpoint({ description: 'x'.repeat(900_000) }), 'description', '1024'],
  ['D21 blank', endpoint({ externalId: '   ' }), 'externalId', 'blank'],
  ['D21 bidi', endpoint({ description: bidi }), 'description', ''],
  ['D22 NUL', endpoint({ metadata: { a: nul } }), 'metadata', 'NUL'],
  ['D22 surrogate', endpoint({ metadata: { a: surrogate } }), 'metadata', ''],
  ['D22 size', endpoint({ metadata: { a: 'x'.repeat(17_000) } }), 'metadata', '16384'],
  ['D22 list', endpoint({ metadata: [1] }), 'metadata', 'object'],
  ...[0, -1, 31, 1e9].map((timeoutSeconds): Case => {
    return [`D27 timeout ${timeoutSeconds}`, endpoint({ timeoutSeconds }), 'timeoutSeconds', '30']
  }),
  ...[0, -1, 1e9].map((rateLimitPerSecond): Case => {
    const input = endpoint({ rateLimitPerSecond })
    return [`D27 rate ${rateLimitPerSecond}`, input, 'rateLimitPerSecond', '10000']
  }),
]

const event = (fields: object) => ({ eventType: 'invoice.paid', payloadText: '{}', ...fields })
const text = (payloadText: string) => event({ payloadText })

const eventCases: readonly Case[] = [
  ...['hello', '{a:1}', '{"a":1,}', 'NaN', '', '{} {}', '\u{feff}{}', '"a\0b"', '"a\nb"'].map(
    (payloadText): Case => [
      `D12 ${JSON.stringify(payloadText)}`,
      text(payloadText),
      'payloadText',
      '',
    ],
  ),
  ['D13', text(`"${'é'.repeat(131_072)}"`), 'payloadText', '262146 bytes'],
  ['D15', text(`"${surrogate}"`), 'payloadText', ''],
  ['D12 depth', text('['.repeat(513) + ']'.repeat(513)), 'payloadText', '512'],
  ['D21 key', event({ idempotencyKey: nul }), 'idempotencyKey', 'NUL'],
  ['D21 type', event({ eventType: nul }), 'eventType', ''],
  ['D25 far', event({ deliverAt: '2199-01-01T00:00:00Z' }), 'deliverAt', '30 days'],
  ['both', event({ payload: {} }), '', 'payloadText'],
  ['neither', { eventType: 'invoice.paid' }, '', 'payload'],
]

test.each(endpointCases)('endpointCreate refuses %s', async (...[, input, path, says]) => {
  await expectRefused('endpointCreate', input, { path, says })
})

test.each(eventCases)('eventPublish refuses %s', async (...[, input, path, says]) => {
  await expectRefused('eventPublish', input, { path, says })
})

test.each<Case>([
  ['D21 NUL', { name: nul }, 'name', 'NUL'],
  ['D21 blank', { name: ' ' }, 'name', 'blank'],
  ['D21 long', { name: 'x'.repeat(129) }, 'name', '128'],
  ['D21 bidi', { name: bidi }, 'name', ''],
])('workspaceCreate refuses %s', async (...[, input, path, says]) => {
  await expectRefused('workspaceCreate', input, { path, says })
})

test.each<Case>([
  ['D31 lookahead', { schema: { pattern: 'a(?=b)' } }, 'schema', 'linear time'],
  ['D31 repetition', { schema: { pattern: 'a{1000}' } }, 'schema', ''],
  ['D31 size', { schema: { pattern: 'a'.repeat(70_000) } }, 'schema', '65536'],
  ['D31 reference', { schema: { $ref: 'https://example.com/' } }, 'schema', ''],
])('eventTypeCreate refuses %s', async (...[, input, path, says]) => {
  await expectRefused('eventTypeCreate', { name: 'a.b', ...input }, { path, says })
})

test('D33: an update must change something', async () => {
  const input = { id: victim.endpointId }
  await expectRefused('endpointUpdate', input, { path: '', says: 'Nothing to update' })
})

test('D10: an eleventh old secret is refused until one expires', async () => {
  const { tenant, endpointId: id } = victim
  for (let n = 0; n < 10; n++) await tenant.client.mutate('endpointSecretRotate', { id })

  await expectRefused(
    'endpointSecretRotate',
    { id },
    { path: '', says: /At most 10 .* expires at/ },
  )
})

test('D18: a key that was used for something else is a conflict', async () => {
  await victim.tenant.client.mutate('eventPublish', event({ idempotencyKey: 'k' }))

  const input = event({ idempotencyKey: 'k', payloadText: '[]' })
  await expectRefused('eventPublish', input, { path: '', says: /"k" was used at .* evt_/ })
})

test('D19: many identical publishes make one event', async () => {
  const input = event({ idempotencyKey: 'storm' })
  const publish = () => victim.tenant.client.mutate('eventPublish', input, 'replayed event { id }')

  const answers = await Promise.all(Array.from({ length: 50 }, publish))

  expect(new Set(answers.map((answer) => answer.event.id)).size).toBe(1)
  expect(answers.filter(({ replayed }) => replayed)).toHaveLength(49)
})

test.each([
  ['D24 garbage', 'after: "%%%"', 'after: not a valid cursor.'],
  ['D24 empty', 'after: ""', 'after: '],
  ['D24 long', `after: "${'A'.repeat(5_000)}"`, 'after: not a valid cursor.'],
  ['D25 no such day', 'filter: { createdAt: { since: "2026-02-30T00:00:00Z" } }', 'RFC 3339'],
  ['D25 no zone', 'filter: { createdAt: { since: "2026-02-03T00:00:00" } }', 'RFC 3339'],
  ['D25 year', 'filter: { createdAt: { since: "10000-01-01T00:00:00Z" } }', 'RFC 3339'],
  ['D25 number', 'filter: { createdAt: { since: 1763812800000 } }', ''],
  [
    'D25 turned round',
    'filter: { createdAt: { since: "2026-02-03T00:00:00Z", until: "2026-02-02T00:00:00Z" } }',
    'since',
  ],
])('a list refuses %s', async (_id, args, says) => {
  const query = `{ deliveries(first: 1, ${args}) { nodes { id } } }`
  const reply = await victim.harmless(() => victim.tenant.client.send(query))

  expect(reply.errors[0]?.message).toContain(says)
  expect(reply.errors[0]?.extensions.code).toMatch(/^(?:BAD_USER_INPUT|GRAPHQL_VALIDATION_FAILED)$/)
})

type Refusal = { readonly path: string; readonly says: string | RegExp }

async function expectRefused(name: string, input: object, { path, says }: Refusal): Promise<void> {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input!`
  const query = `mutation ($input: ${type}) { ${name}(input: $input) {
    __typename ... on Error { code message ... on ValidationError { issues { path message } } }
  } }`
  const isOperators = /^(?:workspace|eventType)/.test(name)
  const client = isOperators ? victim.bundle.operator : victim.tenant.client
  const reply = await victim.harmless(() => client.send(query, { input }))
  const answer = reply.data?.[name]

  expect(answer?.__typename ?? reply.text).toMatch(/Error$/)
  expect(answer.message).toMatch(says)
  if (path !== '') expect(answer.issues[0].path.join('.')).toBe(path)
}
