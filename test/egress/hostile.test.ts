import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import { responseBodyBytesMax } from '../../src/limits.ts'
import { drip, flood, startHostile } from '../support/hostile.ts'
import { sender, to } from './sending.ts'

/** A reset overtakes what was not read yet, so it must wait for undici to tell. */
function whenHeadIsRead(act: () => void): void {
  const channel = 'undici:request:headers'
  subscribe(channel, function once() {
    unsubscribe(channel, once)
    act()
  })
}

const status200 = 'HTTP/1.1 200 OK\r\n'
/** Where nothing need have happened by then but the deadline. */
const briefMs = 300
/** Long enough to connect and to read on a busy machine, short enough for a test. */
const timeoutMs = 1_500

test('a receiver that never answers ends at the deadline', async () => {
  await using receiver = await startHostile(() => undefined)
  await using http = sender()
  const outcome = await http.post(to(receiver.url, { timeoutMs }))
  expect(outcome).toMatchObject({ result: 'TIMEOUT', errorMessage: 'No answer within 1.5 s' })
  expect(outcome.durationMs).toBeGreaterThanOrEqual(timeoutMs - 1)
  expect(outcome.durationMs).toBeLessThan(timeoutMs + 1000)
  await receiver.hungUp()
})

test('endless early hints end at the deadline', async () => {
  await using receiver = await startHostile((socket) => {
    drip(socket, 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n')
  })
  await using http = sender()
  const outcome = await http.post(to(receiver.url, { timeoutMs: briefMs }))
  expect(outcome).toMatchObject({ result: 'TIMEOUT', answer: null })
  await receiver.hungUp()
})

test('headers that drip end at the deadline', async () => {
  await using receiver = await startHostile((socket) => {
    socket.write(status200)
    drip(socket, 'x: y\r\n')
  })
  await using http = sender()
  const outcome = await http.post(to(receiver.url, { timeoutMs: briefMs }))
  expect(outcome.result).toBe('TIMEOUT')
  await receiver.hungUp()
})

test('headers without end are cut at once', async () => {
  await using receiver = await startHostile((socket) => {
    socket.write(status200)
    flood(socket, `x-a: ${'b'.repeat(1000)}\r\n`)
  })
  await using http = sender()
  const outcome = await http.post(to(receiver.url))
  expect(outcome.result).toBe('CONNECTION_ERROR')
  expect(outcome.errorMessage).toBe("Answer's headers are over 16384 bytes")
  await receiver.hungUp()
})

test('one header of 64 KB is no answer', async () => {
  await using receiver = await startHostile((socket) => {
    socket.write(`${status200}x-a: ${'b'.repeat(64 * 1024)}\r\ncontent-length: 0\r\n\r\n`)
  })
  await using http = sender()
  expect((await http.post(to(receiver.url))).result).toBe('CONNECTION_ERROR')
})

test.each([
  [200, 'SUCCEEDED'],
  [500, 'HTTP_ERROR'],
])('a dripping body of %i ends at the deadline as %s', async (status, result) => {
  await using receiver = await startHostile((socket) => {
    socket.write(`HTTP/1.1 ${status} X\r\ncontent-length: 100000\r\n\r\nstart`)
    drip(socket, '.')
  })
  await using http = sender()
  const outcome = await http.post(to(receiver.url, { timeoutMs }))
  expect(outcome).toMatchObject({ result, answer: { statusCode: status, bodyTruncated: true } })
  expect(outcome.answer?.body.toString()).toMatch(/^start\.+$/)
  await receiver.hungUp()
})

test('a body without end is cut at its bound', async () => {
  await using receiver = await startHostile((socket) => {
    socket.write(`${status200}transfer-encoding: chunked\r\n\r\n`)
    flood(socket, '1\r\nx\r\n'.repeat(1000))
  })
  await using http = sender()
  const outcome = await http.post(to(receiver.url))
  expect(outcome).toMatchObject({ result: 'SUCCEEDED', answer: { bodyTruncated: true } })
  expect(outcome.answer?.body).toHaveLength(responseBodyBytesMax)
  await receiver.hungUp()
})

test.each([
  ['reset', `${status200}content-length: 10\r\n\r\nhalf`],
  ['closed', `${status200}content-length: 10\r\n\r\nhalf`],
  ['closed', `${status200}transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n`],
  ['broken', `${status200}transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n`],
])('a success stays one when its body is %s', async (end, text) => {
  await using receiver = await startHostile((socket) => {
    socket.write(text)
    if (end === 'closed') socket.end()
    if (end === 'reset') whenHeadIsRead(() => socket.resetAndDestroy())
  })
  await using http = sender()
  const outcome = await http.post(to(receiver.url))
  expect(outcome).toMatchObject({ result: 'SUCCEEDED', answer: { bodyTruncated: true } })
  expect(outcome.answer?.body.toString()).toBe('half')
})

test('a body that ends with the connection is whole', async () => {
  await using receiver = await startHostile((socket) => socket.end(`${status200}\r\nall`))
  await using http = sender()
  const outcome = await http.post(to(receiver.url))
  expect(outcome.answer).toMatchObject({ bodyTruncated: false })
  expect(outcome.answer?.body.toString()).toBe('all')
})

test.each([
  ['no HTTP', 'hello\r\n\r\n', 'Answer is not valid HTTP'],
  ['an upgrade', 'HTTP/1.1 101 X\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n', /not valid HTTP/],
  ['two lengths', `${status200}content-length: 1\r\ncontent-length: 2\r\n\r\nx`, /not valid HTTP/],
])('an answer of %s is a connection error', async (_name, text, message) => {
  await using receiver = await startHostile((socket) => socket.write(text))
  await using http = sender()
  const outcome = await http.post(to(receiver.url, { timeoutMs: 1000 }))
  expect(outcome.result).toBe('CONNECTION_ERROR')
  expect(outcome.errorMessage).toMatch(message)
  await receiver.hungUp()
})

test.each(['end', 'resetAndDestroy'] as const)('%s before an answer is an error', async (end) => {
  await using receiver = await startHostile((socket) => socket[end]())
  await using http = sender()
  const outcome = await http.post(to(receiver.url))
  expect(outcome).toMatchObject({ result: 'CONNECTION_ERROR', answer: null })
  expect(outcome.errorMessage).toMatch(/^Connection (closed|reset) before an answer$/)
})

test('a second answer without a question is not taken', async () => {
  const evil = `${status200}content-length: 4\r\n\r\nevil`
  await using receiver = await startHostile((socket, connection) => {
    const good = `${status200}content-length: 4\r\n\r\ngood`
    socket.write(connection === 1 ? good + evil : good)
  })
  await using http = sender()
  await http.post(to(receiver.url))
  const outcome = await http.post(to(receiver.url))
  expect(outcome.answer?.body.toString()).toBe('good')
})
