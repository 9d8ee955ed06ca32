import type { IncomingMessage } from 'node:http'
import { requestBytesMax } from '../limits.ts'
import { RequestRefused } from './problem.ts'

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
    request.once('end', resolve)
    request.once('error', () => reject(cutOff()))
    request.once('close', () => reject(cutOff()))
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
