import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'

/** A way to a server that can be cut: a database that goes down and comes back. */
export type CuttableWay = AsyncDisposable & {
  /** The server's URL, by this way. */
  readonly url: string
  /** Ends every connection and refuses new ones. */
  readonly cut: () => Promise<void>
  /** Takes connections again, on the same port. */
  readonly mend: () => Promise<void>
}

/** Opens a way to the server of this URL. */
export async function openWay(serverUrl: string): Promise<CuttableWay> {
  const target = new URL(serverUrl)
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(Number(target.port || 5432), target.hostname)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => sockets.delete(socket))
    }
    near.pipe(far).pipe(near)
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const cut = async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  const url = new URL(serverUrl)
  url.host = `127.0.0.1:${port}`
  return {
    url: url.href,
    cut,
    mend: () => listen(port),
    [Symbol.asyncDispose]: async () => {
      if (server.listening) await cut()
    },
  }
}
