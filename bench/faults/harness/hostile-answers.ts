import type { Socket } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { AttemptResult } from '../../../src/rules/outcome.ts'

/** What a receiver does to its sender, and what the sender must call it. */
export type HostileAnswer = {
  readonly name: string
  readonly answer: (socket: Socket) => void
  readonly result: AttemptResult
  /** Null: there was no answer to speak of. */
  readonly statusCode: number | null
}

const success = { result: 'SUCCEEDED', statusCode: 200 } as const
const noAnswer = { result: 'CONNECTION_ERROR', statusCode: null } as const
const timeout = { result: 'TIMEOUT', statusCode: null } as const

const head = 'HTTP/1.1 200 OK\r\n'
const gigabyte = 2 ** 30
const zeros = Buffer.alloc(50 * 2 ** 20)
const dripEveryMs = 20

/** A 2xx is a success, whatever comes after its head: the receiver has the event. */
export const hostileAnswers: readonly HostileAnswer[] = [
  { name: 'silence', answer: () => {}, ...timeout },
  { name: 'close', answer: (socket) => socket.end(), ...noAnswer },
  { name: 'reset', answer: (socket) => socket.resetAndDestroy(), ...noAnswer },
  { name: 'no HTTP', answer: write('hello\r\n\r\n'), ...noAnswer },
  { name: 'upgrade', answer: write('HTTP/1.1 101 X\r\nupgrade: x\r\n\r\n'), ...noAnswer },
  {
    name: 'two lengths',
    answer: write(`${head}content-length: 1\r\ncontent-length: 2\r\n\r\nx`),
    ...noAnswer,
  },
  {
    name: '64 KB header',
    answer: write(`${head}x-a: ${'b'.repeat(64 * 1024)}\r\ncontent-length: 0\r\n\r\n`),
    ...noAnswer,
  },
  { name: 'endless headers', answer: flood(head, `x-a: ${'b'.repeat(1000)}\r\n`), ...noAnswer },
  { name: 'dripping headers', answer: drip(head, 'x: y\r\n'), ...timeout },
  { name: 'endless early hints', answer: drip('', 'HTTP/1.1 103 Hints\r\n\r\n'), ...timeout },
  {
    name: 'redirect',
    answer: write('HTTP/1.1 302 X\r\nlocation: /\r\ncontent-length: 0\r\n\r\n'),
    result: 'HTTP_ERROR',
    statusCode: 302,
  },
  {
    name: 'dripping error',
    answer: drip('HTTP/1.1 500 X\r\ncontent-length: 100000\r\n\r\n', '.'),
    result: 'HTTP_ERROR',
    statusCode: 500,
  },
  { name: 'dripping body', answer: drip(`${head}content-length: 100000\r\n\r\n`, '.'), ...success },
  {
    name: 'body of 1 GB',
    answer: flood(`${head}content-length: ${gigabyte}\r\n\r\n`, 'x'.repeat(64 * 1024)),
    ...success,
  },
  {
    name: 'endless body',
    answer: flood(`${head}transfer-encoding: chunked\r\n\r\n`, '1\r\nx\r\n'.repeat(5_000)),
    ...success,
  },
  { name: 'gzip bomb', answer: bomb('gzip', gzipSync(zeros)), ...success },
  { name: 'brotli bomb', answer: bomb('br', brotliCompressSync(zeros)), ...success },
  {
    name: 'half a body',
    answer: (socket) => socket.end(`${head}content-length: 10\r\n\r\nhalf`),
    ...success,
  },
  {
    name: 'broken chunk',
    answer: write(`${head}transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n`),
    ...success,
  },
  {
    name: 'two answers',
    answer: write(`${head}content-length: 0\r\n\r\nHTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n`),
    ...success,
  },
]

function write(text: string) {
  return (socket: Socket) => void socket.write(text)
}

function bomb(encoding: string, body: Buffer) {
  return (socket: Socket) => {
    const headers = `content-encoding: ${encoding}\r\ncontent-length: ${body.length}\r\n\r\n`
    socket.write(head + headers)
    socket.end(body)
  }
}

/** Writes the text again and again, as fast as it is taken. */
function flood(first: string, text: string) {
  return (socket: Socket) => {
    socket.write(first)
    const more = () => {
      while (socket.writable && socket.write(text));
    }
    socket.on('drain', more)
    more()
  }
}

/** Writes the text every few ms, for ever. */
function drip(first: string, text: string) {
  return (socket: Socket) => {
    socket.write(first)
    const timer = setInterval(() => socket.writable && socket.write(text), dripEveryMs)
    socket.once('close', () => clearInterval(timer))
  }
}
