import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import {
  connectionAgeMsMax,
  responseBodyBytesMax,
  responseHeadersBytesMax,
} from '../../src/limits.ts'
import { startHostile } from '../support/hostile.ts'
import { startReceiver } from '../support/receiver.ts'
import { ssrfCases } from '../rules/ssrf-cases.ts'
import { allow, sender, to } from './sending.ts'

test('a 2xx answer is a success with its answer', async () => {
  await using receiver = await startReceiver({ status: 202, headers: { 'X-A': 'b' }, body: 'ok' })
  await using http = sender()
  const outcome = await http.post(to(receiver.url))
  expect(outcome).toMatchObject({ result: 'SUCCEEDED', errorMessage: null })
  expect(outcome.answer).toMatchObject({ statusCode: 202, bodyTruncated: false })
  expect(outcome.answer?.headers).toContainEqual(['X-A', 'b'])
  expect(outcome.answer?.body.toString()).toBe('ok')
})

test('the bytes sent are the bytes given', async () => {
  await using receiver = await startReceiver()
  await using http = sender()
  const body = Buffer.from(' {"n":12345678901234567890, "é":"\\u0000😀"} ')
  await http.post(to(`${receiver.url}hook?x=1&y=%20`, { body }))
  const [request] = receiver.requests
  expect(request).toMatchObject({ method: 'POST', url: '/hook?x=1&y=%20' })
  expect(request?.body).toEqual(body)
  expect(request?.headers['content-length']).toBe(`${body.length}`)
})

test('headers keep their order and spelling', async () => {
  await using receiver = await startReceiver()
  await using http = sender()
  const headers = [
    ['X-Custom', '1'],
    ['content-type', 'application/json'],
    ['TT-Hook-Signature', 'sha1=abc'],
    ['webhook-id', 'msg_1'],
  ] as const
  await http.post(to(receiver.url, { headers }))
  const [request] = receiver.requests
  const added = ['host', 'connection', 'content-length']
  const rest = request?.headerLines.filter(([name]) => !added.includes(name))
  expect(rest).toEqual(headers)
  expect(request?.headers.host).toBe(`127.0.0.1:${receiver.port}`)
})

test.each([400, 404, 410, 429, 500, 503])('an answer of %i is an HTTP error', async (status) => {
  await using receiver = await startReceiver({ status, body: 'no' })
  await using http = sender()
  const outcome = await http.post(to(receiver.url))
  expect(outcome).toMatchObject({ result: 'HTTP_ERROR', errorMessage: `HTTP ${status}` })
  expect(outcome.answer?.body.toString()).toBe('no')
})

test.each(ssrfCases('redirect'))('a redirect is not followed: $input', async ({ input }) => {
  await using receiver = await startReceiver(({ url }) =>
    url === '/hook' ? { status: Number.parseInt(input, 10), headers: { location } } : 200,
  )
  const location = input.replace(/^\d+ /, '')
  await using http = sender()
  const outcome = await http.post(to(`${receiver.url}hook`))
  expect(outcome.result).toBe('HTTP_ERROR')
  expect(outcome.errorMessage).toMatch(/redirects are not followed/)
  expect(outcome.answer?.headers).toContainEqual(['location', location])
  expect(receiver.requests).toHaveLength(1)
})

test('a connection is used again', async () => {
  await using receiver = await startReceiver({ status: 200, body: 'ok' })
  await using http = sender()
  for (let n = 0; n < 5; n++) await http.post(to(receiver.url))
  expect(receiver.requests).toHaveLength(5)
  expect(receiver.connections()).toBe(1)
})

test('an old connection is not kept', async () => {
  await using receiver = await startReceiver()
  await using http = sender()
  const now = performance.now.bind(performance)
  await http.post(to(receiver.url))
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + connectionAgeMsMax)
  await http.post(to(receiver.url))
  await http.post(to(receiver.url))
  clock.mockRestore()
  expect(receiver.connections()).toBe(2)
})

test('requests at the same time have a connection each', async () => {
  const gate = Promise.withResolvers<number>()
  await using receiver = await startReceiver(() => gate.promise)
  await using http = sender()
  const outcomes = Array.from({ length: 20 }, () => http.post(to(receiver.url)))
  await receiver.until(20)
  gate.resolve(204)
  const results = (await Promise.all(outcomes)).map(({ result }) => result)
  expect(results).toEqual(Array(20).fill('SUCCEEDED'))
  expect(receiver.connections()).toBe(20)
})

test('a body is kept to its bound, as received', async () => {
  const body = Buffer.alloc(responseBodyBytesMax + 1, 'ab')
  await using receiver = await startReceiver([
    { status: 200, body },
    { status: 200, body: body.subarray(1) },
    { status: 200, body: 'zip', headers: { 'content-encoding': 'gzip' } },
  ])
  await using http = sender()
  const cut = await http.post(to(receiver.url))
  expect(cut).toMatchObject({ result: 'SUCCEEDED', answer: { bodyTruncated: true } })
  expect(cut.answer?.body).toEqual(body.subarray(0, responseBodyBytesMax))
  const whole = await http.post(to(receiver.url))
  expect(whole.answer).toEqual(expect.objectContaining({ bodyTruncated: false }))
  expect(whole.answer?.body).toEqual(body.subarray(1))
  const packed = await http.post(to(receiver.url))
  expect(packed.answer?.body.toString()).toBe('zip')
})

test('headers of an answer are kept to their bound', async () => {
  const lines = Array.from({ length: 40 }, (_, n) => [`x-${n}`, 'v'.repeat(300)] as const)
  await using receiver = await startReceiver({ status: 200, headers: Object.fromEntries(lines) })
  await using http = sender()
  const { answer } = await http.post(to(receiver.url))
  const bytes = answer?.headers.flat().join('').length ?? 0
  expect(bytes).toBeLessThanOrEqual(responseHeadersBytesMax)
  expect(bytes).toBeGreaterThan(responseHeadersBytesMax - 400)
})

test('a connection closed between requests costs no attempt', async () => {
  await using receiver = await startHostile((socket) => {
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
  })
  await using http = sender()
  for (let n = 0; n < 3; n++) {
    const outcome = await http.post(to(receiver.url))
    expect(outcome.result).toBe('SUCCEEDED')
    await receiver.hungUp()
  }
  expect(receiver.connections()).toBe(3)
})

test('a reset before anything is sent costs no attempt', async () => {
  const sockets: Socket[] = []
  await using receiver = await startHostile((socket) => {
    sockets.push(socket)
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
  })
  await using http = sender()
  await http.post(to(receiver.url))
  // The reset is read after the request is queued and before it is written.
  await setImmediate()
  sockets[0]?.resetAndDestroy()
  const outcome = await http.post(to(receiver.url))
  expect(outcome.result).toBe('SUCCEEDED')
  expect(receiver.connections()).toBe(2)
})

test('a request that may have arrived is not repeated', async () => {
  await using receiver = await startHostile((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    socket.once('data', () => socket.resetAndDestroy())
  })
  await using http = sender()
  await http.post(to(receiver.url))
  const outcome = await http.post(to(receiver.url))
  expect(outcome).toMatchObject({ result: 'CONNECTION_ERROR', answer: null })
  expect(receiver.connections()).toBe(1)
})

test('nobody listening is a connection error', async () => {
  const receiver = await startReceiver()
  await receiver[Symbol.asyncDispose]()
  await using http = sender()
  const outcome = await http.post(to(receiver.url))
  expect(outcome).toMatchObject({ result: 'CONNECTION_ERROR', errorMessage: 'Connection refused' })
  expect(outcome.answer).toBeNull()
})

test('plain http is refused where https is asked for', async () => {
  await using receiver = await startReceiver()
  await using http = sender({ httpsOnly: true })
  const outcome = await http.post(to(receiver.url))
  expect(outcome.result).toBe('ADDRESS_NOT_ALLOWED')
  expect(receiver.connections()).toBe(0)
})

test('a request given up has no outcome', async () => {
  await using receiver = await startReceiver(() => new Promise<number>(() => undefined))
  await using http = sender()
  const stop = new AbortController()
  const requests = [1, 2].map(() => http.post(to(receiver.url, { signal: stop.signal })))
  await receiver.until(2)
  stop.abort(new Error('draining'))
  for (const request of requests) await expect(request).rejects.toThrow('draining')
  const late = http.post(to(receiver.url, { signal: stop.signal }))
  await expect(late).rejects.toThrow('draining')
  expect(receiver.requests).toHaveLength(2)
})

test('disposing cuts off what is in flight', async () => {
  await using receiver = await startReceiver(() => new Promise<number>(() => undefined))
  const http = sender()
  const request = http.post(to(receiver.url))
  const reason = request.catch((error: Error) => error.message)
  await receiver.until(1)
  await http[Symbol.asyncDispose]()
  expect(await reason).toBe('Sending has ended.')
  await expect(http.post(to(receiver.url))).rejects.toThrow('Sending has ended')
})

test('a wrong request is our bug, not an outcome', async () => {
  await using receiver = await startReceiver()
  await using http = sender()
  const headers = [['x', 'a\nb']] as const
  await expect(http.post(to(receiver.url, { headers }))).rejects.toThrow('invalid x header')
  await expect(http.post(to('http://127.1:8080/'))).rejects.toThrow('not canonical')
  expect(receiver.requests).toHaveLength(0)
})

test('IPv6 and names of loopback are reached', async () => {
  await using receiver = await startReceiver()
  await using http = sender({ policy: allow('127.0.0.0/8,::1/128') })
  const outcome = await http.post(to(`http://localhost:${receiver.port}/`))
  expect(outcome.result).toBe('SUCCEEDED')
  expect(receiver.requests[0]?.headers.host).toBe(`localhost:${receiver.port}`)
})
