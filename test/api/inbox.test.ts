import { expect, test } from 'vitest'
import { inboxRoute } from '../../src/api/inbox.ts'
import { systemClock } from '../../src/clock.ts'
import { inboxBytesMax, inboxesMax, inboxRequestsMax } from '../../src/limits/embedded.ts'
import { serveRoutes } from '../support/served.ts'

const openInbox = () => serveRoutes([inboxRoute(systemClock)])
const toBrowser = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } }

type Shown = { status: number; path: string; body: string; headers: [string, string][] }

async function requestsIn(url: string): Promise<Shown[]> {
  const answer = await fetch(url)
  return ((await answer.json()) as { requests: Shown[] }).requests
}

test('answers 200 and keeps the request', async () => {
  await using server = await openInbox()
  const url = `${server.url}/inbox/demo`
  const answer = await fetch(url, {
    method: 'POST',
    body: '{"a":1.10}',
    headers: { 'X-Trace': 'Abc' },
  })

  expect([answer.status, await answer.json()]).toEqual([200, { received: true }])
  const [shown] = await requestsIn(url)
  expect(shown).toMatchObject({ method: 'POST', path: '/inbox/demo', body: '{"a":1.10}' })
  expect(shown?.headers).toContainEqual(['X-Trace', 'Abc'])
  expect(await requestsIn(`${server.url}/inbox/other`)).toEqual([])
})

test('fails on purpose with the status asked for', async () => {
  await using server = await openInbox()
  const answer = await fetch(`${server.url}/inbox/demo?status=503`, { method: 'POST' })

  expect(answer.status).toBe(503)
  expect((await requestsIn(`${server.url}/inbox/demo`)).map(({ status }) => status)).toEqual([503])
})

test('keeps a request whose sender gave up waiting', async () => {
  await using server = await openInbox()
  const url = `${server.url}/inbox/slow`
  const impatient = new AbortController()
  const sent = fetch(`${url}?delay=30000`, { method: 'POST', signal: impatient.signal })
  while ((await requestsIn(url)).length === 0);
  impatient.abort()

  await expect(sent).rejects.toThrow('aborted')
})

test.each(['status=99', 'status=600', 'status=x', 'delay=35001', 'delay=-1'])(
  'refuses ?%s',
  async (query) => {
    await using server = await openInbox()
    const answer = await fetch(`${server.url}/inbox/demo?${query}`, { method: 'POST' })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('must be a whole number')
  },
)

test('forgets the oldest request, and the inbox longest silent', async () => {
  await using server = await openInbox()
  const post = (name: string, body: string) =>
    fetch(`${server.url}/inbox/${name}`, { method: 'POST', body })
  for (let index = 0; index < inboxRequestsMax + 2; index += 1) await post('full', `${index}`)
  const bodies = (await requestsIn(`${server.url}/inbox/full`)).map(({ body }) => body)
  expect([bodies.length, bodies[0], bodies.at(-1)]).toEqual([inboxRequestsMax, '51', '2'])

  const large = 'x'.repeat(inboxBytesMax * 0.4)
  for (let index = 0; index < 4; index += 1) await post('large', large)
  expect(await requestsIn(`${server.url}/inbox/large`)).toHaveLength(2)

  await post('full', 'again')
  for (let index = 1; index < inboxesMax; index += 1) await post(`n${index}`, '')
  expect(await requestsIn(`${server.url}/inbox/large`)).toEqual([])
  expect(await requestsIn(`${server.url}/inbox/full`)).toHaveLength(inboxRequestsMax)
})

test('is cleared by DELETE', async () => {
  await using server = await openInbox()
  const url = `${server.url}/inbox/demo`
  await fetch(url, { method: 'POST' })
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(204)
  expect(await requestsIn(url)).toEqual([])
})

test('shows browsers what arrived, and runs none of it', async () => {
  await using server = await openInbox()
  const url = `${server.url}/inbox/demo`
  const hostile = '</pre><script>alert(1)</script>'
  await fetch(url, { method: 'POST', body: hostile, headers: { 'webhook-signature': 'v1,<b>' } })
  const page = await fetch(url, toBrowser)
  const html = await page.text()

  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(html).toContain('&lt;/pre&gt;&lt;script&gt;alert(1)')
  expect(html).toContain('signed in webhook-signature')
  expect(html).not.toContain('<script>alert')
  expect(html).not.toContain('v1,<b>')
})

test('a path that names no inbox says how to name one', async () => {
  await using server = await openInbox()
  const answer = await fetch(`${server.url}/inbox/a/b`, { method: 'POST' })
  expect([answer.status, await answer.text()]).toEqual([
    404,
    expect.stringContaining('Use /inbox/<name>'),
  ])
})
