import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A receiver that speaks raw TCP, so that it can answer what no HTTP server would. */
export type Hostile = AsyncDisposable & {
  readonly url: string
  readonly port: number
  /** Connections accepted so far. */
  readonly connections: () => number
  /** The next connection that closed, now or later. */
  readonly hungUp: () => Promise<void>
}

/** Starts one; `answer` is called when the first bytes of a request arrived on a connection. */
export async function startHostile(
  answer: (socket: Socket, connection: number) => void,
): Promise<Hostile> {
  const sockets = new Set<Socket>()
  const closings: PromiseWithResolvers<void>[] = []
  let closed = 0
  let awaited = 0
  const closing = (at: number) => (closings[at] ??= Promise.withResolvers<void>())
  const server = createServer((socket) => {
    sockets.add(socket)
    const connection = sockets.size
    socket.on('error', () => undefined)
    socket.on('close', () => closing(closed++).resolve())
    socket.once('data', () => {
      socket.resume()
      answer(socket, connection)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    connections: () => sockets.size,
    hungUp: () => closing(awaited++).promise,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** Writes the text again and again, as fast as it is read. */
export function flood(socket: Socket, text: string): void {
  while (socket.writable && socket.write(text));
  socket.once('drain', () => flood(socket, text))
}

/** Writes a byte every few milliseconds, for ever. */
export function drip(socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), 5)
  socket.on('close', () => clearInterval(timer))
}
