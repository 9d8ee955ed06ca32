import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bundle, openBundle } from '../support/bundle.ts'
import type { Reply } from '../support/client.ts'
import { openReadySocket } from '../support/socket.ts'

const allowed = 'https://app.example.com'
const foreign = 'https://evil.example.com'

let closed: Bundle
let bundle: Bundle

beforeAll(async () => {
  closed = await openBundle()
  bundle = await openBundle({ config: { corsOrigins: [allowed] } })
})

afterAll(async () => {
  await bundle[Symbol.asyncDispose]()
  await closed[Symbol.asyncDispose]()
})

const body = JSON.stringify({ query: '{ __typename }' })
const json = { 'content-type': 'application/json' }

function post({ operator }: Bundle, origin: string): Promise<Reply> {
  return operator.fetch('/graphql', { method: 'POST', headers: { ...json, origin }, body })
}

function preflight({ clientOf }: Bundle, origin: string): Promise<Reply> {
  const headers = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  }
  return clientOf(null).fetch('/graphql', { method: 'OPTIONS', headers })
}

function corsHeaders({ headers }: Reply): string[] {
  return [...headers.keys()].filter((name) => name.startsWith('access-control-'))
}

test('a page of a configured origin may ask and read', async () => {
  const question = await preflight(bundle, allowed)
  const answer = await post(bundle, allowed)

  expect(question.status).toBe(204)
  expect(question.headers.get('access-control-allow-origin')).toBe(allowed)
  expect(question.headers.get('access-control-allow-headers')).toContain('authorization')
  expect(question.headers.get('access-control-allow-methods')).toContain('POST')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('access-control-allow-origin')).toBe(allowed)
  expect(answer.headers.get('vary')).toBe('Origin')
})

test('a page may read why it was refused', async () => {
  const headers = { ...json, origin: allowed }
  const reply = await bundle.clientOf(null).fetch('/graphql', { method: 'POST', headers, body })

  expect(reply.status).toBe(401)
  expect(reply.headers.get('access-control-allow-origin')).toBe(allowed)
})

test('no page may send the credentials of its browser', async () => {
  const reply = await preflight(bundle, allowed)

  expect(reply.headers.has('access-control-allow-credentials')).toBe(false)
})

test.each([foreign, 'null', `${allowed}.evil.example`])(
  'a page of %s is told nothing',
  async (origin) => {
    const question = await preflight(bundle, origin)
    const answer = await post(bundle, origin)

    expect(question.status).toBe(405)
    expect([...corsHeaders(question), ...corsHeaders(answer)]).toEqual([])
    expect(answer.headers.get('vary')).toBe('Origin')
  },
)

test('no page may call it unless one is configured', async () => {
  const question = await preflight(closed, allowed)

  expect(question.status).toBe(405)
  expect([...corsHeaders(question), ...corsHeaders(await post(closed, allowed))]).toEqual([])
})

test('a page of a configured origin may open a socket', async () => {
  const headers = { Origin: allowed }
  await using socket = await openReadySocket(bundle.url, bundle.adminKey, { headers })
  socket.send({ type: 'ping' })
  expect(await socket.next()).toEqual({ type: 'pong' })
})

test('a page of any other origin may not', async () => {
  const headers = { Origin: foreign }
  const opening = openReadySocket(bundle.url, bundle.adminKey, { headers })

  await expect(opening).rejects.toThrow('403')
})
