import { createServer } from 'node:http'
import type {
  IncomingHttpHeaders,
  IncomingMessage,
  RequestListener,
  ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Certificate } from './certificate.ts'

/** One request as it arrived. */
export type ReceivedRequest = {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** Names in lower case, as Node joins them. */
  readonly headers: IncomingHttpHeaders
  /** In the order and spelling of the wire. */
  readonly headerLines: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  readonly receivedAt: Date
}

/** What is answered: a status, or all of it. Without a body the status alone is sent. */
export type Reply =
  | number
  | {
      readonly status: number
      readonly headers?: Readonly<Record<string, string | readonly string[]>>
      readonly body?: string | Buffer
    }

/** The n-th request gets the n-th reply of a list, later ones the last; a function may wait. */
export type Script =
  | Reply
  | readonly Reply[]
  | ((request: ReceivedRequest, index: number) => Reply | Promise<Reply>)

/** A real HTTP server on loopback. `await using` closes it, with all that is still open. */
export type Receiver = AsyncDisposable & {
  /** `http://127.0.0.1:<port>/`, or https with a certificate. */
  readonly url: string
  readonly port: number
  readonly requests: readonly ReceivedRequest[]
  /** Connections accepted so far. */
  readonly connections: () => number
  /** Changes what later requests are answered. */
  readonly answer: (script: Script) => void
  /** The oldest request that `next` has not returned yet, now or when it arrives. */
  readonly next: () => Promise<ReceivedRequest>
  /** All requests, as soon as there are at least `count`. */
  readonly until: (count: number) => Promise<readonly ReceivedRequest[]>
}

/** Starts a receiver; without a script it answers 200. */
export async function startReceiver(
  script: Script = 200,
  certificate?: Certificate,
): Promise<Receiver> {
  const journal = createJournal()
  let current = script
  let connections = 0

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(message)
    const index = journal.add(request)
    send(response, await replyOf(current, request, index))
  }
  // A client that gives up breaks its request here; the test sees that on its own side.
  const listener: RequestListener = (message, response) =>
    void serve(message, response).catch(() => response.destroy())
  const server = certificate ? createTlsServer(certificate, listener) : createServer(listener)
  server.on('connection', () => (connections += 1))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    url: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}/`,
    port,
    requests: journal.requests,
    connections: () => connections,
    answer: (next) => {
      current = next
    },
    next: journal.next,
    until: journal.until,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

type Journal = Pick<Receiver, 'requests' | 'next' | 'until'> & {
  readonly add: (request: ReceivedRequest) => number
}

function createJournal(): Journal {
  const requests: ReceivedRequest[] = []
  const waiting = new Set<() => void>()
  let taken = 0

  async function until(count: number): Promise<readonly ReceivedRequest[]> {
    while (requests.length < count) {
      await new Promise<void>((resolve) => waiting.add(resolve))
    }
    return requests
  }
  return {
    requests,
    until,
    add: (request) => {
      requests.push(request)
      for (const wake of waiting) wake()
      waiting.clear()
      return requests.length - 1
    },
    next: async () => {
      const at = taken++
      const known = await until(at + 1)
      return known[at] as ReceivedRequest
    },
  }
}

async function readRequest(message: IncomingMessage): Promise<ReceivedRequest> {
  const body = Buffer.concat(await message.toArray())
  const raw = message.rawHeaders
  return {
    method: message.method ?? '',
    url: message.url ?? '',
    headers: message.headers,
    headerLines: raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? '']] : [])),
    body,
    receivedAt: new Date(),
  }
}

function replyOf(script: Script, request: ReceivedRequest, index: number): Reply | Promise<Reply> {
  if (typeof script === 'function') return script(request, index)
  return isList(script) ? (script[Math.min(index, script.length - 1)] ?? 200) : script
}

/** `Array.isArray` does not narrow a read-only list. */
function isList(script: Reply | readonly Reply[]): script is readonly Reply[] {
  return Array.isArray(script)
}

function send(response: ServerResponse, reply: Reply): void {
  if (typeof reply === 'number') {
    response.writeHead(reply).end()
    return
  }
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value)
  response.writeHead(reply.status).end(reply.body)
}
