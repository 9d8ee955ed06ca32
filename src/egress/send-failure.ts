import { responseHeadersReadBytesMax } from '../limits.ts'
import type { AttemptResult } from '../rules/outcome.ts'
import { tlsErrorMessage } from '../rules/tls-error.ts'

/**
 * Why there is no answer. The message is shown to the endpoint's owner, so it never holds an
 * address: that would tell a customer what names resolve to inside our network. It has no `code`,
 * because undici dials again without end when a connect error has one of its own codes.
 */
export class SendFailure extends Error {
  readonly result: AttemptResult

  constructor(result: AttemptResult, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'SendFailure'
    this.result = result
  }
}

/** The code of a system, TLS, resolver or undici error; empty where there is none. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/** Any failure of the handshake that follows a connection. */
export function tlsFailure(error: unknown): SendFailure {
  return new SendFailure('TLS_ERROR', tlsErrorMessage(codeOf(error)), error)
}

const headersTooLong = `Answer's headers are over ${responseHeadersReadBytesMax} bytes`
const notHttp = 'Answer is not valid HTTP'
const noFreeSocket = 'The sender has no free socket'

const connectionMessages: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset before an answer',
  EPIPE: 'Connection closed before an answer',
  EHOSTUNREACH: 'Host unreachable',
  EHOSTDOWN: 'Host unreachable',
  ENETUNREACH: 'Host unreachable',
  EMFILE: noFreeSocket,
  ENFILE: noFreeSocket,
  ENOBUFS: noFreeSocket,
  EADDRNOTAVAIL: noFreeSocket,
  UND_ERR_HEADERS_OVERFLOW: headersTooLong,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: notHttp,
}

/** What a connection's error was: a failure of our own making keeps its result and words. */
export function failureOf(error: unknown): SendFailure {
  if (error instanceof SendFailure) return error
  const code = codeOf(error)
  // The kernel's own limit for a silent peer.
  if (code === 'ETIMEDOUT') return new SendFailure('TIMEOUT', 'Connection timed out', error)
  // TLS 1.3 reports some refusals only after the handshake.
  if (code.startsWith('ERR_SSL_')) return tlsFailure(error)
  return new SendFailure('CONNECTION_ERROR', connectionMessage(code, error), error)
}

function connectionMessage(code: string, error: unknown): string {
  const { name, message } = error instanceof Error ? error : new Error()
  if (name === 'HTTPParserError') return notHttp
  if (code !== 'UND_ERR_SOCKET') return connectionMessages[code] ?? 'Connection failed'
  // undici gives one code to a close, and to answers such as a 101 that nobody asked for.
  return message.includes('closed') ? 'Connection closed before an answer' : notHttp
}
