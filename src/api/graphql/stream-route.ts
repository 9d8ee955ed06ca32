import { setTimeout as pause } from 'node:timers/promises'
import { type GraphQLError } from 'graphql'
import { apiKeyCheckEveryMs } from '../../limits.ts'
import {
  socketCloseMsMax,
  socketsMax,
  socketsPerKeyMax,
  streamPingEveryMs,
} from '../../limits/live.ts'
import { anonymous } from '../caller.ts'
import { type Answer, type Exchange, explain, type Route } from '../http.ts'
import { refusedHolders } from '../key-check.ts'
import type { Outflow } from '../outflow.ts'
import { RequestRefused, unauthenticated, wrongMethod } from '../problem.ts'
import type { Services } from '../services.ts'
import { admit, refusal } from './graphql-route.ts'
import type { KeySlots, Slot } from './key-slots.ts'
import { readParams } from './params.ts'
import {
  beginOperation,
  namedResultsOfOperation,
  type Operation,
  refusalOf,
} from './socket-operation.ts'

/** Subscriptions as server-sent events. Disposing ends them all, so that clients go elsewhere. */
export type Streams = AsyncDisposable & { readonly route: Route }

type Stream = {
  readonly authorization: string | undefined
  /** Ends it, with a last word where there is one. Clients come back where there is none. */
  readonly end: (error?: GraphQLError) => void
  readonly cut: () => void
  readonly ended: Promise<void>
}

/**
 * Subscriptions at `/graphql/stream` by the protocol "GraphQL over server-sent events", each on a
 * connection of its own. `graphql-sse` would keep what a slow client does not take in memory, all
 * of it: its loop does not wait for the connection. So the few lines of the protocol are ours.
 */
export function openStreams(services: Services, slots: KeySlots): Streams {
  const streams = new Set<Stream>()
  let open = true
  const checks = setInterval(() => void checkAll(streams, services), apiKeyCheckEveryMs).unref()

  async function answer(exchange: Exchange): Promise<Answer> {
    const { authorization } = exchange.request.headers
    checkAsking(exchange)
    const caller = await admit(exchange, services)
    if (caller === anonymous) throw new RequestRefused(unauthenticated('Missing API key.'))
    if (!open || streams.size >= socketsMax) throw overloaded()
    const [payload] = await readParams(exchange)
    const slot = slots.take(caller)
    if (!slot) throw tooMany()
    const { requestId } = exchange
    const lastEventId = headerOf(exchange, 'last-event-id')
    const named = lastEventId === '' ? {} : { lastEventId }
    const begun = await beginOperation({ payload, caller, services, requestId, ...named })
    return {
      status: 200,
      headers: streamHeaders,
      pour: (out) => pour(begun, { out, slot, streams, authorization, isOpen: () => open }),
    }
  }

  return {
    route: {
      path: '/graphql/stream',
      answer,
      refuse: (error, exchange) => refusal(explain(error, exchange, services.log), exchange),
    },
    [Symbol.asyncDispose]: async () => {
      open = false
      clearInterval(checks)
      for (const { end } of streams) end()
      const ended = Promise.all([...streams].map((stream) => stream.ended))
      await Promise.race([ended, pause(socketCloseMsMax)])
      for (const { cut } of streams) cut()
    },
  }
}

/** Proxies and their buffers stay out of it; the connection ends with the stream. */
const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'x-accel-buffering': 'no',
  connection: 'close',
}

function checkAsking(exchange: Exchange): void {
  const { method } = exchange.request
  if (method !== 'GET' && method !== 'POST') throw wrongMethod('GET, POST')
  const accept = headerOf(exchange, 'accept')
  if (accept === '' || /text\/(?:event-stream|\*)|\*\/\*/i.test(accept)) return
  const message = 'Use Accept: text/event-stream.'
  const reason = 'NOT_ACCEPTABLE'
  throw new RequestRefused({ status: 406, code: 'BAD_USER_INPUT', reason, message })
}

function headerOf({ request }: Exchange, name: 'accept' | 'last-event-id'): string {
  return String(request.headers[name] ?? '')
}

type Pouring = {
  readonly out: Outflow
  readonly slot: Slot
  readonly streams: Set<Stream>
  readonly authorization: string | undefined
  /** Whether streams go on: not when the service stopped while this one was being prepared. */
  readonly isOpen: () => boolean
}

async function pour(begun: Operation | GraphQLError[], pouring: Pouring): Promise<void> {
  const { slot, out } = pouring
  try {
    if (Array.isArray(begun)) await out.write(lastWords(begun))
    else await follow(begun, pouring)
  } finally {
    slot.give()
  }
}

async function follow(operation: Operation, pouring: Pouring): Promise<void> {
  const { out, streams, authorization, isOpen } = pouring
  const results = namedResultsOfOperation(operation)
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  let reason: GraphQLError | undefined
  const end = (error?: GraphQLError) => {
    reason = error
    void results.return?.()
  }
  const stream = { authorization, end, cut: out.cut, ended }
  streams.add(stream)
  if (!isOpen()) end()
  void out.left.then(() => end())
  const pings = setInterval(() => {
    if (!out.isFull()) void out.write(':\n\n')
  }, streamPingEveryMs).unref()
  try {
    for await (const { result, id } of results) {
      if (!(await out.write(eventOf(result, id)))) break
    }
    if (reason) await out.write(lastWords([reason]))
  } finally {
    clearInterval(pings)
    streams.delete(stream)
    resolve()
  }
}

/** JSON has no line breaks, so it is one line of data. */
function eventOf(result: object, id?: string): string {
  const idLine = id === undefined ? '' : `id: ${id}\n`
  return `event: next\n${idLine}data: ${JSON.stringify(result)}\n\n`
}

/** "Complete" says that there is nothing to come back for. */
function lastWords(errors: readonly GraphQLError[]): string {
  return `${eventOf({ errors })}event: complete\ndata:\n\n`
}

/** A key that was revoked or has expired loses its streams as well. */
async function checkAll(streams: ReadonlySet<Stream>, services: Services): Promise<void> {
  for (const { holder, message } of await refusedHolders(streams, services.callers)) {
    holder.end(refusalOf(new RequestRefused(unauthenticated(message)), services))
  }
}

function tooMany(): RequestRefused {
  return new RequestRefused({
    status: 429,
    code: 'RATE_LIMITED',
    message: `At most ${socketsPerKeyMax} sockets and streams for one key.`,
    limit: socketsPerKeyMax,
    retryable: true,
  })
}

function overloaded(): RequestRefused {
  const message = 'No more streams here right now. Try again.'
  return new RequestRefused({ status: 503, code: 'UNAVAILABLE', message, retryable: true })
}
