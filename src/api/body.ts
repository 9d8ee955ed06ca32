import type { IncomingMessage } from 'node:http'
import { requestBytesMax } from '../limits.ts'
import { scanJson } from '../rules/json-text.ts'
import { RequestRefused } from './problem.ts'

/** The text of a body that says it is JSON. */
export async function readJsonText(request: IncomingMessage): Promise<string> {
  const type = (request.headers['content-type'] ?? '').split(';')
  if (type[0]?.trim().toLowerCase() !== 'application/json') throw wrongType()
  const charset = /charset="?([\w-]+)/i.exec(type.slice(1).join(';'))?.[1] ?? 'utf-8'
  if (!/^utf-?8$/i.test(charset)) throw wrongType()
  return readBody(request)
}

/** Reads JSON of a request; `what` names it where it is none. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const scan = scanJson(text)
    const where = scan.valid ? '' : ` (position ${scan.position})`
    throw badRequest(`${what} is not valid JSON${where}.`)
  }
}

/** Whether a value of JSON is an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * A request's body as text, at most `requestBytesMax` bytes of it: what is over is refused when
 * it is announced, or once it has come, and never held in memory.
 */
export async function readBody(request: IncomingMessage): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > requestBytesMax) throw tooLarge()
  const chunks: Buffer[] = []
  let bytes = 0
  // Listened to, not iterated: leaving a loop early would destroy the socket before the answer.
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= requestBytesMax) chunks.push(chunk)
      else {
        chunks.length = 0
        reject(tooLarge())
      }
    })
    const fail = () => reject(cutOff())
    request.once('error', fail)
    request.once('close', fail)
    request.once('end', () => {
      request.off('close', fail) // it comes after every request, and an error costs 28 µs
      resolve()
    })
  })
  return decode(Buffer.concat(chunks))
}

/** Bytes that are no UTF-8 would otherwise become U+FFFD without a word. */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw badRequest('Request body is not valid UTF-8.')
  }
}

/** A fault in the envelope of a request. */
export function badRequest(message: string): RequestRefused {
  const reason = 'BAD_REQUEST'
  return new RequestRefused({ status: 400, code: 'BAD_USER_INPUT', reason, message })
}

/** Forms are refused for good: a browser sends them to any site without asking (CSRF). */
function wrongType(): RequestRefused {
  const message = 'Use Content-Type: application/json, in UTF-8.'
  const reason = 'UNSUPPORTED_MEDIA_TYPE'
  return new RequestRefused({ status: 415, code: 'BAD_USER_INPUT', reason, message })
}

function tooLarge(): RequestRefused {
  return new RequestRefused({
    status: 413,
    code: 'BAD_USER_INPUT',
    reason: 'PAYLOAD_TOO_LARGE',
    message: `Request body is over ${requestBytesMax} bytes.`,
    limit: requestBytesMax,
  })
}

function cutOff(): RequestRefused {
  return badRequest('Request body was cut off.')
}
