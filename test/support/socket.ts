import { WebSocket } from 'ws'
import type { Json } from './client.ts'

/** A socket spoken to by hand, to say what no client library would. */
export type RawSocket = AsyncDisposable & {
  readonly socket: WebSocket
  /** An object goes as JSON, anything else as it is. */
  readonly send: (message: object | string | Buffer) => void
  /** The next message from the server; fails where it closes instead. */
  readonly next: () => Promise<Json>
  /** The code and reason it is closed with. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
}

/** How a socket is asked for. */
export type SocketOptions = {
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly autoPong?: boolean
}

/** Opens a socket to `url`, or fails with the status that it was refused with. */
export async function openSocket(url: string, options: SocketOptions = {}): Promise<RawSocket> {
  const { path = '/graphql', headers = {}, autoPong = true } = options
  const address = new URL(path, url.replace(/^http/, 'ws'))
  const socket = new WebSocket(address, 'graphql-transport-ws', { headers, autoPong })
  const messages: Json[] = []
  const waiting: ((message: Json) => void)[] = []
  socket.on('message', (data) => {
    const message: Json = JSON.parse((data as Buffer).toString())
    const give = waiting.shift()
    if (give) give(message)
    else messages.push(message)
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })
  await opened(socket)
  return {
    socket,
    closed,
    send: (message) => socket.send(isPlain(message) ? JSON.stringify(message) : message),
    next: () => messages.shift() ?? nextMessage(waiting, closed),
    [Symbol.asyncDispose]: async () => {
      socket.terminate()
      await closed
    },
  }
}

/** A socket that has said who it is. */
export async function openReadySocket(
  url: string,
  key: string,
  options: SocketOptions = {},
): Promise<RawSocket> {
  const raw = await openSocket(url, options)
  raw.send({ type: 'connection_init', payload: { Authorization: `Bearer ${key}` } })
  const { type } = await raw.next()
  if (type !== 'connection_ack') throw new Error(`The server says ${type}.`)
  return raw
}

function isPlain(message: object | string | Buffer): message is object {
  return typeof message === 'object' && !Buffer.isBuffer(message)
}

async function opened(socket: WebSocket): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => {}) // the close says it
}

async function nextMessage(
  waiting: ((message: Json) => void)[],
  closed: RawSocket['closed'],
): Promise<Json> {
  const message = new Promise<Json>((resolve) => waiting.push(resolve))
  const end = closed.then(({ code, reason }) => {
    throw new Error(`Closed with ${code} ${reason}`)
  })
  return Promise.race([message, end])
}
