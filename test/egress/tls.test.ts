import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HttpPost } from '../../src/egress/http-post.ts'
import { createAuthority } from '../support/certificate.ts'
import type { Authority } from '../support/certificate.ts'
import { startHostile } from '../support/hostile.ts'
import { startReceiver } from '../support/receiver.ts'
import { sender, to } from './sending.ts'

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})
afterAll(() => authority[Symbol.asyncDispose]())

const host = 'shop.example.com'

/** Trusts the test's authority, and finds every name on loopback. */
function trusting(): HttpPost {
  return sender({ resolve: async () => ['127.0.0.1'], trustedCa: authority.ca })
}

test('a trusted certificate for the name is accepted', async () => {
  await using receiver = await startReceiver(200, await authority.issue({ host }))
  await using http = trusting()
  for (let n = 0; n < 2; n++) {
    const outcome = await http.post(to(`https://${host}:${receiver.port}/hook`))
    expect(outcome).toMatchObject({ result: 'SUCCEEDED', errorMessage: null })
  }
  expect(receiver.requests[1]?.headers.host).toBe(`${host}:${receiver.port}`)
  expect(receiver.connections()).toBe(1)
})

test.each([
  ['expired', { host, days: -1 }, 'Certificate has expired'],
  ['for another host', { host: 'evil.example.com' }, 'Certificate is for another host'],
])('a certificate %s is refused each time', async (_name, request, errorMessage) => {
  await using receiver = await startReceiver(200, await authority.issue(request))
  await using http = trusting()
  // Again, as a resumed session is not checked against the name.
  for (let n = 0; n < 2; n++) {
    const outcome = await http.post(to(`https://${host}:${receiver.port}/`))
    expect(outcome).toMatchObject({ result: 'TLS_ERROR', errorMessage, answer: null })
  }
  expect(receiver.requests).toHaveLength(0)
})

test('the name is sent, and a session is resumed', async () => {
  const seen: { servername: string | false | null; isResumed: boolean }[] = []
  const server = createServer(await authority.issue({ host }), (request, response) => {
    const socket = request.socket as TLSSocket
    seen.push({ servername: socket.servername, isResumed: socket.isSessionReused() })
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `https://${host}:${(server.address() as AddressInfo).port}/`
  await using http = trusting()
  await http.post(to(url))
  await Promise.all([http.post(to(url)), http.post(to(url))])
  server.closeAllConnections()
  server.close()
  expect(seen[0]).toEqual({ servername: host, isResumed: false })
  expect(seen.filter(({ isResumed }) => isResumed)).toHaveLength(1)
})

test('an unknown authority is refused', async () => {
  await using receiver = await startReceiver(200, await authority.issue({ host }))
  await using http = sender({ resolve: async () => ['127.0.0.1'] })
  const outcome = await http.post(to(`https://${host}:${receiver.port}/`))
  expect(outcome.result).toBe('TLS_ERROR')
  expect(outcome.errorMessage).toMatch(/^Certificate chain is incomplete/)
  expect(receiver.requests).toHaveLength(0)
})

test('a literal address needs a certificate for it', async () => {
  await using receiver = await startReceiver(200, await authority.issue({ host }))
  await using http = trusting()
  const outcome = await http.post(to(receiver.url))
  expect(outcome.errorMessage).toBe('Certificate is for another host')
})

test('a port without TLS is a TLS error', async () => {
  await using receiver = await startReceiver()
  await using http = trusting()
  const outcome = await http.post(to(`https://${host}:${receiver.port}/`))
  expect(outcome.result).toBe('TLS_ERROR')
  expect(outcome.errorMessage).toBe('The receiver does not speak TLS on this port')
})

test('a handshake without end ends at the deadline', async () => {
  await using receiver = await startHostile(() => undefined)
  await using http = trusting()
  const request = to(`https://${host}:${receiver.port}/`, { timeoutMs: 200 })
  expect((await http.post(request)).result).toBe('TIMEOUT')
  await receiver.hungUp()
})

test('a handshake cut off is a TLS error', async () => {
  await using receiver = await startHostile((socket) => socket.end())
  await using http = trusting()
  const outcome = await http.post(to(`https://${host}:${receiver.port}/`))
  expect(outcome.result).toBe('TLS_ERROR')
})
