import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { socketsPerKeyMax } from '../../limits/live.ts'
import type { Services } from '../services.ts'
import type { KeySlots, Slot } from './key-slots.ts'

/** Why a socket is not opened, as an HTTP answer. */
type Refusal = { readonly status: string; readonly message: string }

/** A request to open a socket, or why it is refused. */
export type Upgrade = { readonly slot: Slot | null } | { readonly refusal: Refusal }

const notFound: Refusal = { status: '404 Not Found', message: 'Not found.' }
const foreignOrigin: Refusal = {
  status: '403 Forbidden',
  message: 'Pages of this origin may not open sockets here.',
}
const tooMany: Refusal = {
  status: '429 Too Many Requests',
  message: `At most ${socketsPerKeyMax} sockets for one key.`,
}

/** Refused while there are too many sockets, or while the process ends. */
export const overloaded: Refusal = {
  status: '503 Service Unavailable',
  message: 'No more sockets here right now. Try again.',
}

/**
 * Judges a request before there is a socket. A browser names the page's origin, and no page of
 * another site has business here unless the configuration names it. The key comes later, in
 * `connection_init`; but a client that sends it here as well is told now that it has too many.
 */
export async function judgeUpgrade(
  request: IncomingMessage,
  { callers, config }: Pick<Services, 'callers' | 'config'>,
  slots: KeySlots,
): Promise<Upgrade> {
  const { pathname } = URL.parse(request.url ?? '', 'http://localhost') ?? {}
  if (pathname !== '/graphql') return { refusal: notFound }
  if (isForeign(request.headers, config.corsOrigins)) return { refusal: foreignOrigin }
  const { authorization } = request.headers
  if (authorization === undefined) return { slot: null }
  const authentication = await callers.authenticate(authorization)
  if (!authentication.ok) return { slot: null }
  const slot = slots.take(authentication.caller)
  return slot ? { slot } : { refusal: tooMany }
}

function isForeign({ origin, host }: IncomingMessage['headers'], allowed: readonly string[]) {
  return origin !== undefined && URL.parse(origin)?.host !== host && !allowed.includes(origin)
}

/** Answers a request to open a socket with a refusal, and hangs up. */
export function refuseUpgrade(socket: Duplex, { status, message }: Refusal): void {
  const body = JSON.stringify({ errors: [{ message }] })
  socket.end(
    [
      `HTTP/1.1 ${status}`,
      'connection: close',
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  )
}
