import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { handleProtocols } from 'graphql-ws'
import { type WebSocket, WebSocketServer } from 'ws'
import { apiKeyCheckEveryMs } from '../../limits.ts'
import {
  socketAheadBytesMax,
  socketCloseMsMax,
  socketFragmentsMax,
  socketFramesMax,
  socketMessageBytesMax,
  socketPingEveryMs,
  socketsMax,
  socketUnsentBytesMax,
} from '../../limits/live.ts'
import { refusedHolders } from '../key-check.ts'
import type { Services } from '../services.ts'
import { type KeySlots, newKeySlots, type Slot } from './key-slots.ts'
import { type Guest, protocolOf } from './socket-protocol.ts'
import { judgeUpgrade, overloaded, refuseUpgrade } from './socket-upgrade.ts'

/** Closed with 1012, clients of graphql-ws come back by themselves, and go on from their cursor. */
const serviceRestart = 1012

/** The open sockets of a process. */
export type Sockets = AsyncDisposable & {
  /**
   * Asks every client whether it is there, and lets go of those that have not answered since the
   * last time. Done every `socketPingEveryMs`, whoever else asks.
   */
  readonly ping: () => void
}

/**
 * Subscriptions by the protocol graphql-transport-ws at `/graphql`. Disposing it closes every
 * socket, so that clients go elsewhere, and waits no longer than `socketCloseMsMax`.
 */
export function serveSockets(
  server: Server,
  services: Services,
  { slots = newKeySlots() }: SocketsOptions = {},
): Sockets {
  const guests = new Set<Guest>()
  const protocol = protocolOf(services, slots)
  const sockets = newSocketServer()
  let open = true

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy())
    if (!open || guests.size >= socketsMax) return refuseUpgrade(socket, overloaded)
    const upgrade = await judgeUpgrade(request, services, slots)
    if ('refusal' in upgrade) return refuseUpgrade(socket, upgrade.refusal)
    const guest = (webSocket: WebSocket) => welcome(newGuest(webSocket, upgrade.slot), socket)
    socket.once('close', () => upgrade.slot?.give())
    sockets.handleUpgrade(request, socket, head, guest)
  }

  function welcome(guest: Guest, connection: Duplex): void {
    guests.add(guest)
    const transport = transportOf(guest, connection, services)
    const closed = protocol.opened(transport, guest)
    guest.socket.once('close', (code, reason) => {
      guests.delete(guest)
      guest.slot?.give()
      void closed(code, String(reason))
    })
  }

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrade(request, socket, head).catch(() => refuseUpgrade(socket, overloaded))
  }
  server.on('upgrade', onUpgrade)
  const checks = setInterval(() => void checkAll(guests, services), apiKeyCheckEveryMs).unref()
  const pings = setInterval(() => pingAll(guests), socketPingEveryMs).unref()

  return {
    ping: () => pingAll(guests),
    [Symbol.asyncDispose]: async () => {
      open = false
      clearInterval(checks)
      clearInterval(pings)
      const closed = [...guests].map(({ socket }) => closeForGood(socket))
      await Promise.all(closed)
      server.off('upgrade', onUpgrade)
    },
  }
}

type SocketsOptions = {
  /** Shared with the streams: a key has so many of both together. */
  readonly slots?: KeySlots
}

function newSocketServer(): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    handleProtocols,
    maxPayload: socketMessageBytesMax,
    maxFragments: socketFragmentsMax,
  })
}

function newGuest(socket: WebSocket, slot: Slot | null): Guest {
  return { socket, slot, authorization: undefined, caller: undefined, isAlive: true, frames: 0 }
}

/** What graphql-ws needs of a socket. Its own adapter would execute binary frames as text. */
function transportOf(guest: Guest, connection: Duplex, { log }: Services): Transport {
  const { socket } = guest
  const send = sender(socket, connection)
  socket.on('error', () => {}) // what the client sent wrong; `ws` closes with the fitting code
  socket.on('pong', () => {
    guest.isAlive = true
  })
  socket.on('ping', () => void isBearable(guest))
  return {
    protocol: socket.protocol,
    send,
    close: (code, reason) => socket.close(code, reason),
    onMessage: (handle) => {
      socket.on('message', (data, isBinary) => {
        if (!isBearable(guest)) return
        if (isBinary) return socket.close(1003, 'Send text.')
        handle((data as Buffer).toString()).catch((error: unknown) => {
          log.error({ err: error }, 'a socket failed')
          socket.close(1011, 'Something went wrong on our side.')
        })
      })
    },
  }
}

/**
 * What is sent in one turn of the event loop leaves together: a write costs more than a message.
 * Where enough waits to leave, the next message waits for it: so a subscription goes no faster than
 * its client reads.
 */
function sender(socket: WebSocket, connection: Duplex): (text: string) => Promise<void> | void {
  let corked = false
  return (text) => {
    if (socket.readyState !== socket.OPEN) return undefined
    if (!corked) {
      corked = true
      connection.cork()
      setImmediate(() => {
        corked = false
        connection.uncork()
      })
    }
    if (socket.bufferedAmount < socketAheadBytesMax) return socket.send(text)
    return new Promise((resolve) => socket.send(text, () => resolve()))
  }
}

type Transport = Parameters<ReturnType<typeof protocolOf>['opened']>[0]

/** Whether to listen to it any further. */
function isBearable(guest: Guest): boolean {
  const { socket } = guest
  guest.frames += 1
  if (socket.readyState !== socket.OPEN) return false
  if (guest.frames > socketFramesMax) socket.close(1008, 'Too many messages.')
  else if (socket.bufferedAmount > socketUnsentBytesMax) socket.terminate()
  else return true
  return false
}

/** A key that was revoked or has expired loses its sockets as well. */
async function checkAll(guests: ReadonlySet<Guest>, { callers }: Services): Promise<void> {
  for (const guest of guests) {
    guest.frames = 0
    if (guest.socket.bufferedAmount > socketUnsentBytesMax) guest.socket.terminate()
  }
  for (const { holder, message } of await refusedHolders(guests, callers)) {
    holder.socket.close(4403, message)
  }
}

function pingAll(guests: ReadonlySet<Guest>): void {
  for (const guest of guests) {
    if (!guest.isAlive) guest.socket.terminate()
    guest.isAlive = false
    if (guest.socket.readyState === guest.socket.OPEN) guest.socket.ping()
  }
}

async function closeForGood(socket: WebSocket): Promise<void> {
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.close(serviceRestart, 'Service restart.')
  await Promise.race([closed, pause(socketCloseMsMax)])
  socket.terminate()
}
