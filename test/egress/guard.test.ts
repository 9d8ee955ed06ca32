import { expect, test } from 'vitest'
import { vetHost } from '../../src/egress/dial.ts'
import type { Resolve } from '../../src/egress/resolve.ts'
import { startReceiver } from '../support/receiver.ts'
import { ssrfCases } from '../rules/ssrf-cases.ts'
import { allow, sender, to } from './sending.ts'

/** Answers the given lists one after the other, then the last again. */
function answering(...answers: readonly (readonly string[])[]): Resolve {
  let asked = 0
  return async () => answers[Math.min(asked++, answers.length - 1)] ?? []
}

/** `name -> 1.2.3.4,5.6.7.8 ; 9.9.9.9`: lookups are parted by semicolons, answers by commas. */
function answersOf(input: string): readonly string[][] {
  const [, answers = ''] = input.split('->')
  return answers.split(';').map((answer) =>
    answer
      .split(',')
      .map((ip) => ip.trim())
      .filter(Boolean),
  )
}

test.each(ssrfCases('dns'))('a host is judged by its answers: $input', async (row) => {
  const guard = { policy: [], resolve: answering(...answersOf(row.input)) }
  const vetted = await vetHost('example.com', guard).catch(() => 'refused')
  expect(vetted).toEqual(row.allowed ? answersOf(row.input)[0] : 'refused')
})

test.each(ssrfCases('dns-seq'))('every lookup is judged: $input', async ({ input }) => {
  const guard = { policy: [], resolve: answering(...answersOf(input)) }
  await vetHost('example.com', guard)
  await expect(vetHost('example.com', guard)).rejects.toThrow('not allowed')
})

test('a name that turns private is not reached', async () => {
  await using receiver = await startReceiver({ status: 200, headers: { connection: 'close' } })
  const resolve = answering(['127.0.0.1'], ['127.0.0.2'])
  await using http = sender({ policy: allow('127.0.0.1/32'), resolve })
  const url = `http://rebind.example.com:${receiver.port}/`
  expect((await http.post(to(url))).result).toBe('SUCCEEDED')
  const outcome = await http.post(to(url))
  expect(outcome).toMatchObject({ result: 'ADDRESS_NOT_ALLOWED', answer: null })
  expect(receiver.connections()).toBe(1)
})

test('one bad answer refuses the host', async () => {
  await using receiver = await startReceiver()
  const resolve = answering(['127.0.0.1', '127.0.0.2'])
  await using http = sender({ policy: allow('127.0.0.1/32'), resolve })
  const outcome = await http.post(to(`http://mixed.example.com:${receiver.port}/`))
  expect(outcome.result).toBe('ADDRESS_NOT_ALLOWED')
  expect(receiver.connections()).toBe(0)
})

test.each(['127.0.0.1', 'localhost', '[::1]', '[::ffff:7f00:1]', '0.0.0.0', '10.0.0.1'])(
  'no policy means no way inside: %s',
  async (host) => {
    await using receiver = await startReceiver()
    await using http = sender({ policy: [] })
    const outcome = await http.post(to(`http://${host}:${receiver.port}/`))
    expect(outcome.result).toBe('ADDRESS_NOT_ALLOWED')
    expect(receiver.connections()).toBe(0)
  },
)

test('the address the socket reached is judged too', async () => {
  await using receiver = await startReceiver()
  // The kernel takes 0.0.0.0 for 127.0.0.1.
  await using http = sender({ policy: allow('0.0.0.0/32') })
  const outcome = await http.post(to(`http://0.0.0.0:${receiver.port}/`))
  expect(outcome.result).toBe('ADDRESS_NOT_ALLOWED')
  expect(receiver.requests).toHaveLength(0)
})

test('the name is sent, the judged address is dialled', async () => {
  await using receiver = await startReceiver()
  await using http = sender({ resolve: answering(['127.0.0.1']) })
  await http.post(to(`http://shop.example.com:${receiver.port}/`))
  expect(receiver.requests[0]?.headers.host).toBe(`shop.example.com:${receiver.port}`)
})

test('the next address is dialled when one refuses', async () => {
  await using receiver = await startReceiver()
  await using http = sender({ resolve: answering(['127.0.0.2', '127.0.0.1']) })
  const outcome = await http.post(to(`http://shop.example.com:${receiver.port}/`))
  expect(outcome.result).toBe('SUCCEEDED')
})

test.each([
  ['no such name', async () => [], 'Host name not found'],
  ['no answer', () => Promise.reject(new Error('10.1.2.3')), 'Host name could not be resolved'],
])('%s is a DNS error', async (_name, resolve, errorMessage) => {
  await using http = sender({ resolve })
  const outcome = await http.post(to('https://shop.example.com/'))
  expect(outcome).toMatchObject({ result: 'DNS_ERROR', errorMessage, answer: null })
})

test('a lookup without end ends at the deadline', async () => {
  await using http = sender({ resolve: () => new Promise(() => undefined) })
  const outcome = await http.post(to('https://shop.example.com/', { timeoutMs: 200 }))
  expect(outcome.result).toBe('TIMEOUT')
  expect(outcome.errorMessage).toBe('No connection within 0.2 s')
})

test('a lookup that ends after the deadline dials nobody', async () => {
  await using receiver = await startReceiver()
  const answer = Promise.withResolvers<readonly string[]>()
  await using http = sender({ resolve: () => answer.promise })
  const url = `http://shop.example.com:${receiver.port}/`
  expect((await http.post(to(url, { timeoutMs: 50 }))).result).toBe('TIMEOUT')
  answer.resolve(['127.0.0.1'])
  // A request that follows shows that the first had its chance to connect.
  expect((await http.post(to(url))).result).toBe('SUCCEEDED')
  expect(receiver.connections()).toBe(1)
})

test('no message tells an address', async () => {
  const closed = await startReceiver()
  await closed[Symbol.asyncDispose]()
  const url = `http://shop.example.com:${closed.port}/`
  for (const answer of [['127.0.0.9'], ['127.0.0.8', '127.0.0.9'], ['10.0.0.1']]) {
    await using http = sender({ resolve: answering(answer) })
    const { errorMessage } = await http.post(to(url))
    expect(errorMessage).toMatch(/^(Connection refused|The host's address is not allowed)$/)
  }
})
