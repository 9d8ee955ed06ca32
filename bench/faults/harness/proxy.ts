import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a TCP server that can be made as bad as networks are. */
export type Proxy = AsyncDisposable & {
  readonly port: number
  /** Connections open now. */
  readonly connections: () => number
  /** Each piece of data waits this long, in both directions. */
  readonly delay: (ms: number) => void
  /** Takes connections and lets nothing through, in neither direction, until told otherwise. */
  readonly swallow: (on: boolean) => void
  /**
   * Half-open: these connections stay, and nothing passes on them any more, as when the machine
   * behind them is gone. Answers how many. `saying`: only those whose last words held this text.
   */
  readonly freeze: (saying?: string) => number
  /** Resets every connection (RST). Answers how many there were. */
  readonly reset: () => number
  /** Each new connection breaks after so many bytes from behind: cut mid-answer. Infinity: none. */
  readonly cutAfter: (bytes: number) => void
}

/** The state of the way, for all its connections. */
type Way = { delayMs: number; isSwallowing: boolean; bytesMax: number }

/** One connection through the proxy, and the one behind it. */
type Pair = { readonly near: Socket; readonly far: Socket; lastWords: Buffer; isFrozen: boolean }

/** Stands in front of the server on this port of this machine. */
export async function startProxy(targetPort: number): Promise<Proxy> {
  const pairs = new Set<Pair>()
  const way: Way = { delayMs: 0, isSwallowing: false, bytesMax: Infinity }
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1')
    const pair: Pair = { near, far, lastWords: Buffer.alloc(0), isFrozen: false }
    pairs.add(pair)
    carry(pair, way)
    tie(pair, () => pairs.delete(pair))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => pairs.size,
    delay: (ms) => void (way.delayMs = ms),
    swallow: (on) => void (way.isSwallowing = on),
    cutAfter: (bytes) => void (way.bytesMax = bytes),
    freeze: (saying = '') => {
      const chosen = [...pairs].filter(({ lastWords }) => lastWords.includes(saying))
      for (const pair of chosen) pair.isFrozen = true
      return chosen.length
    },
    reset: () => {
      for (const { near } of pairs) near.resetAndDestroy()
      return pairs.size
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const { near, far } of pairs) for (const socket of [near, far]) socket.destroy()
      await closed
    },
  }
}

function carry(pair: Pair, way: Way): void {
  const { near, far } = pair
  const { bytesMax } = way
  let passed = 0
  const pass = (chunk: Buffer, to: Socket) => {
    if (pair.isFrozen || way.isSwallowing) return
    if (way.delayMs > 0) setTimeout(() => to.write(chunk), way.delayMs)
    else to.write(chunk)
  }
  near.on('data', (chunk) => {
    pair.lastWords = chunk
    pass(chunk, far)
  })
  far.on('data', (chunk) => {
    const rest = bytesMax - passed
    passed += chunk.length
    if (chunk.length <= rest) return pass(chunk, near)
    near.end(chunk.subarray(0, Math.max(0, rest)))
    far.destroy()
  })
}

/** Where one side ends the other one does, unless nothing passes between them any more. */
function tie(pair: Pair, bothClosed: () => void): void {
  const { near, far } = pair
  const sides = [
    [near, far],
    [far, near],
  ] as const
  for (const [socket, other] of sides) {
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.once('close', () => {
      if (other.destroyed) bothClosed()
      else if (!pair.isFrozen) other.destroy()
    })
  }
}
