import { Client } from 'undici'
import type { buildConnector, Dispatcher } from 'undici'
import {
  connectionAgeMsMax,
  idleConnectionsMax,
  keepAliveMs,
  responseHeadersReadBytesMax,
} from '../limits.ts'
import { dial } from './dial.ts'
import type { DialTarget, Guard } from './dial.ts'
import { failureOf, SendFailure } from './send-failure.ts'

/**
 * Keeps connections open between requests, and opens new ones only through the guard. HTTP/1.1
 * only, one request at a time on a connection.
 *
 * Our own stacks of undici Clients instead of its Pool, for three reasons. It is faster: see
 * http-post.ts. Each connection belongs to one request, so giving up the request also
 * ends its dial, which Pool and Agent cannot do. And idle connections have one bound for the
 * process, not one per origin. The last used is taken first, so that those a burst left behind
 * grow old and close.
 */
export class GuardedAgent implements AsyncDisposable {
  readonly guard: Guard
  readonly #origins = new Map<string, Origin>()
  readonly #connections = new Set<Connection>()
  #idleCount = 0
  #closed = false

  constructor(guard: Guard) {
    this.guard = guard
  }

  get closed(): boolean {
    return this.#closed
  }

  /** An idle connection of the origin (`https://example.com:8443`), else a new one. */
  take(text: string): Connection {
    const connection = this.#origins.get(text)?.idle.pop()
    if (!connection) return this.open(text)
    this.#idleCount -= 1
    connection.isIdle = false
    return connection
  }

  /** A new connection. It dials when it is given a request. */
  open(text: string): Connection {
    if (this.#closed) throw sendingEnded()
    const origin = this.#originOf(text)
    const connection = new Connection(origin, this)
    origin.open += 1
    this.#connections.add(connection)
    return connection
  }

  /** Keeps a connection whose answer was read to its end. */
  keep(connection: Connection): void {
    const isOld = performance.now() - connection.openedAt > connectionAgeMsMax
    if (isOld || this.#closed || this.#idleCount >= idleConnectionsMax) {
      void connection.destroy()
      return
    }
    connection.isIdle = true
    this.#idleCount += 1
    connection.origin.idle.push(connection)
  }

  /** Forgets a connection, and its origin with the last one. Called once, by the connection. */
  forget(connection: Connection): void {
    const { origin } = connection
    this.#connections.delete(connection)
    if (connection.isIdle) {
      origin.idle.splice(origin.idle.indexOf(connection), 1)
      this.#idleCount -= 1
    }
    origin.open -= 1
    if (origin.open === 0) this.#origins.delete(origin.text)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#connections].map((connection) => connection.destroy()))
  }

  #originOf(text: string): Origin {
    const known = this.#origins.get(text)
    if (known) return known
    const origin = new Origin(text)
    this.#origins.set(text, origin)
    return origin
  }
}

/** What a request is rejected with that disposing cut off, or that came later. */
export function sendingEnded(): Error {
  return new Error('Sending has ended.')
}

/** A scheme, host and port, with its connections. Lives as long as one of them. */
class Origin implements DialTarget {
  readonly text: string
  readonly host: string
  readonly port: number
  readonly secure: boolean
  readonly idle: Connection[] = []
  open = 0
  session: Buffer | undefined

  constructor(text: string) {
    const url = new URL(text)
    // Only a canonical text is one key for one origin, and the host that was judged.
    if (url.origin !== text) throw new TypeError('The URL to send to is not canonical.')
    this.text = text
    this.host = url.hostname.replace(/^\[|\]$/g, '')
    this.secure = url.protocol === 'https:'
    this.port = url.port === '' ? (this.secure ? 443 : 80) : Number(url.port)
  }
}

/** One connection, for one request at a time. */
export class Connection {
  readonly origin: Origin
  readonly #agent: GuardedAgent
  readonly #client: Client
  readonly #stop = new AbortController()
  openedAt = performance.now()
  isIdle = false

  constructor(origin: Origin, agent: GuardedAgent) {
    this.origin = origin
    this.#agent = agent
    this.#client = new Client(origin.text, {
      connect: (_options, done) => void this.#connect(done),
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      // A receiver's own `Keep-Alive: timeout=5` is undercut by this, as its clock started first.
      keepAliveTimeoutThreshold: 1_000,
      // The request has one deadline over everything; timers per phase would only cost.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: responseHeadersReadBytesMax,
    })
    // In use, undici dials again when nothing was sent yet, or fails the request.
    this.#client.on('disconnect', () => {
      if (this.isIdle) void this.destroy()
    })
  }

  /** Starts a request. What happens is told to the handler alone. */
  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(request, handler)
  }

  /** Gives the connection back after a complete answer. */
  release(): void {
    this.#agent.keep(this)
  }

  /** Ends the connection, its dial and its request, in whatever state they are. */
  async destroy(): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#agent.forget(this)
    this.#stop.abort()
    await this.#client.destroy()
  }

  async #connect(done: buildConnector.Callback): Promise<void> {
    this.openedAt = performance.now()
    const dialled = await dial(this.origin, this.#agent.guard, this.#stop.signal).catch(failureOf)
    if (dialled instanceof SendFailure) done(dialled, null)
    else done(null, dialled)
  }
}
