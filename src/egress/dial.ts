import { once } from 'node:events'
import { connect } from 'node:net'
import type { LookupFunction, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { dialAddressesMax, dialAddressMs } from '../limits.ts'
import { judgeAddress } from '../rules/address.ts'
import type { AddressPolicy } from '../rules/address.ts'
import { parseIp } from '../rules/ip.ts'
import type { Resolve } from './resolve.ts'
import { SendFailure, tlsFailure } from './send-failure.ts'

/** What decides where connections may go. */
export type AddressGuard = { readonly policy: AddressPolicy; readonly resolve: Resolve }

/** What decides where connections may go, and whom they trust. */
export type Guard = AddressGuard & {
  /** One for all connections: making it takes 0.2 ms, a handshake 1 ms of processor time. */
  readonly secureContext: SecureContext
}

/** Where to. A literal IPv6 host is without brackets. */
export type DialTarget = {
  readonly host: string
  readonly port: number
  readonly secure: boolean
  /** The last TLS session, kept here by each dial: it saves a third of a handshake's work. */
  session: Buffer | undefined
}

/**
 * Opens a connection to a judged address (promise P6), in three steps: judge the literal or every
 * answer of the name; connect to exactly those addresses, so that a second lookup cannot differ;
 * judge the address the socket really reached, before a byte is sent.
 */
export async function dial(target: DialTarget, guard: Guard, signal: AbortSignal): Promise<Socket> {
  const addresses = await vetHost(target.host, guard)
  // Node dials first and looks at the signal later.
  signal.throwIfAborted()
  const socket = await connectTo(addresses, target, signal)
  const reached = judgeAddress(socket.remoteAddress ?? '', guard.policy)
  if (!reached.allowed) {
    socket.destroy()
    throw addressNotAllowed()
  }
  return target.secure ? startTls(socket, target, guard) : socket
}

/** The addresses of a host. One that is not allowed refuses them all: it is a sign of rebinding. */
export async function vetHost(host: string, guard: AddressGuard): Promise<readonly string[]> {
  const addresses = parseIp(host) ? [host] : await resolveName(host, guard.resolve)
  if (addresses.length === 0) throw new SendFailure('DNS_ERROR', 'Host name not found')
  const allowed = addresses.every((address) => judgeAddress(address, guard.policy).allowed)
  if (!allowed) throw addressNotAllowed()
  return addresses
}

async function resolveName(host: string, resolve: Resolve): Promise<readonly string[]> {
  try {
    return await resolve(host)
  } catch (error) {
    throw new SendFailure('DNS_ERROR', 'Host name could not be resolved', error)
  }
}

function addressNotAllowed(): SendFailure {
  return new SendFailure('ADDRESS_NOT_ALLOWED', "The host's address is not allowed")
}

async function connectTo(
  addresses: readonly string[],
  { host, port }: DialTarget,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = connect({
    host,
    port,
    signal,
    noDelay: true,
    lookup: pinned(addresses.slice(0, dialAddressesMax)),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: dialAddressMs,
  })
  await once(socket, 'connect')
  return quiet(socket)
}

/** Node calls this instead of a lookup, and never for a literal, which was judged as it is. */
function pinned(addresses: readonly string[]): LookupFunction {
  const answers = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  return (_host, _options, callback) => callback(null, answers)
}

async function startTls(socket: Socket, target: DialTarget, guard: Guard): Promise<Socket> {
  const secure = connectTls({
    socket,
    secureContext: guard.secureContext,
    // Names the certificate must be for; literals are not sent as server name (RFC 6066).
    host: target.host,
    ...(parseIp(target.host) ? {} : { servername: target.host }),
    ...(target.session ? { session: target.session } : {}),
    ALPNProtocols: ['http/1.1'],
  })
  // Emitted only after the certificate was found good.
  secure.on('session', (session) => {
    target.session = session
  })
  try {
    await once(secure, 'secureConnect')
  } catch (error) {
    throw tlsFailure(error)
  }
  return quiet(secure)
}

/** An error between two owners of the socket must not end the process; 'close' tells the next. */
function quiet(socket: Socket): Socket {
  return socket.on('error', () => undefined)
}
