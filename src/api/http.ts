import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { closeIdleEveryMs, drainMsMax, requestMsMax } from '../limits.ts'
import type { Log } from '../log.ts'
import { type Outflow, pourInto } from './outflow.ts'
import { isOurFault, problemOf, RequestRefused } from './problem.ts'

/** One request and its answer to be. */
export type Exchange = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** In the answer's `x-request-id`, in its errors, and in every log line about it. */
  readonly requestId: string
  readonly url: URL
}

/** One answer: whole, or poured out as it comes. */
export type Answer = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** Instead of a body. The answer ends when this does. */
  readonly pour?: (out: Outflow) => Promise<void>
}

/** What answers requests to a path. */
export type Route = {
  /** An exact path, or a beginning that ends with a slash. */
  readonly path: string
  readonly answer: (exchange: Exchange) => Promise<Answer>
  /** How the route's protocol shows a failure. */
  readonly refuse: (error: unknown, exchange: Exchange) => Answer
}

/** A server that listens. Disposing it lets running requests end, but no longer than the drain. */
export type HttpServer = AsyncDisposable & {
  readonly server: Server
  readonly port: number
}

type Listening = {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly routes: readonly Route[]
  readonly log: Pick<Log, 'debug' | 'error'>
}

/** Starts to listen. Upgrades to WebSocket are the caller's: the server emits them. */
export async function serveHttp({ host, port, routes, log }: Listening): Promise<HttpServer> {
  const server = createServer({ requestTimeout: requestMsMax, keepAliveTimeout: 60_000 })
  server.on('request', (request, response) => {
    void serve({ routes, log }, { request, response }).catch((error: unknown) => {
      log.error({ err: error }, 'could not answer a request')
      response.destroy()
    })
  })
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) => reject(notListening(error, host, port))
    server.once('error', refuse)
    server.listen(port, host, () => resolve(server.off('error', refuse) && undefined))
  })
  return {
    server,
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => close(server),
  }
}

/** In the operator's words: which variable to change. */
function notListening(cause: NodeJS.ErrnoException, host: string, port: number): Error {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} of ${host} is in use by another program. Set PORT to a free one.`,
    EACCES: `port ${port} needs rights this process does not have. Set PORT to 1024 or more.`,
    EADDRNOTAVAIL: `${host} is no address of this machine. Set HOST to one that is.`,
    ENOTFOUND: `${host} is no address of this machine. Set HOST to one that is.`,
  }
  const reason = reasons[cause.code ?? ''] ?? `${cause.message}. Look at PORT and HOST.`
  return new Error(`Cannot listen: ${reason}`, { cause })
}

async function serve(
  { routes, log }: Pick<Listening, 'routes' | 'log'>,
  { request, response }: Pick<Exchange, 'request' | 'response'>,
): Promise<void> {
  const startedAt = performance.now()
  const url = URL.parse(request.url ?? '/', 'http://localhost') ?? new URL('http://localhost')
  const exchange = { request, response, requestId: randomUUID(), url }
  const route = routes.find(({ path }) => covers(path, url.pathname)) ?? nowhere
  const result = await answer(route, exchange)
  await send(exchange, result)
  const { requestId } = exchange
  const durationMs = Math.round(performance.now() - startedAt)
  const { method } = request
  log.debug(
    { requestId, method, path: url.pathname, status: result.status, durationMs },
    'answered',
  )
}

async function answer(route: Route, exchange: Exchange): Promise<Answer> {
  try {
    return await route.answer(exchange)
  } catch (error) {
    return route.refuse(error, exchange)
  }
}

function covers(path: string, pathname: string): boolean {
  return path === pathname || (path.endsWith('/') && pathname.startsWith(path))
}

async function send(exchange: Exchange, result: Answer): Promise<void> {
  const { request, response, requestId } = exchange
  response.statusCode = result.status
  response.setHeader('x-request-id', requestId)
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('cache-control', 'no-store')
  for (const [name, value] of Object.entries(result.headers ?? {})) response.setHeader(name, value)
  // A body that was refused is not read to its end: the connection cannot be used again.
  if (!request.complete) response.setHeader('connection', 'close')
  request.resume()
  if (result.pour) await pourInto(response, result.pour)
  else response.end(result.body ?? '')
}

const nowhere: Route = {
  path: '',
  answer: async () => {
    throw new RequestRefused({ status: 404, code: 'BAD_USER_INPUT', message: 'Not found.' })
  },
  refuse: refusePlainly,
}

/** A failure where no protocol of ours is spoken. */
export function refusePlainly(error: unknown, { requestId }: Pick<Exchange, 'requestId'>): Answer {
  const { status, message } = problemOf(error)
  return json(status, { error: { message, requestId } })
}

/** An answer of JSON. */
export function json(status: number, body: unknown, headers: Answer['headers'] = {}): Answer {
  const type = { 'content-type': 'application/json; charset=utf-8' }
  return { status, headers: { ...type, ...headers }, body: JSON.stringify(body) }
}

/** Logs what is our fault with its cause, and answers what the outside may know. */
export function explain(error: unknown, { requestId }: Pick<Exchange, 'requestId'>, log: ErrorLog) {
  const problem = problemOf(error)
  if (isOurFault(problem))
    log.error({ err: error, requestId, code: problem.code }, 'request failed')
  return problem
}

type ErrorLog = Pick<Log, 'error'>

/** Clients keep connections for a minute; those that are at work now end with their answer. */
async function close(server: Server): Promise<void> {
  server.prependListener('request', (_request, response) => {
    response.setHeader('connection', 'close')
  })
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const idle = setInterval(() => server.closeIdleConnections(), closeIdleEveryMs)
  const force = setTimeout(() => server.closeAllConnections(), drainMsMax)
  await closed
  clearInterval(idle)
  clearTimeout(force)
}
