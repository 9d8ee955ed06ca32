import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import { inboxBytesMax, inboxDelayMsMax, inboxesMax, inboxRequestsMax } from '../limits/embedded.ts'
import { readBody } from './body.ts'
import { type Answer, type Exchange, json, refusePlainly, type Route } from './http.ts'
import { inboxPage, pageHeaders } from './inbox-page.ts'
import type { InboxRequest } from './inbox-request.ts'
import { RequestRefused } from './problem.ts'

/**
 * A receiver for trying things out, at `/inbox/<name>`: it answers 200, or what `?status=` and
 * `?delay=<ms>` ask for, and shows what arrived to whoever looks. It forgets when the process ends.
 */
export function inboxRoute({ now }: Clock): Route {
  const inboxes = new Map<string, InboxRequest[]>()
  return {
    path: '/inbox/',
    answer: async (exchange) => {
      const name = nameIn(exchange.url)
      const { method } = exchange.request
      if (method === 'POST') {
        return receive(exchange, (request) => {
          keep(inboxes, name, { ...request, receivedAt: now() })
        })
      }
      if (method === 'GET' || method === 'HEAD')
        return show(exchange, name, inboxes.get(name) ?? [])
      if (method !== 'DELETE') throw refused(405, 'Use POST to send, GET to look, DELETE to clear.')
      inboxes.delete(name)
      return { status: 204 }
    },
    refuse: refusePlainly,
  }
}

function nameIn({ pathname }: URL): string {
  const name = /^\/inbox\/([\w.-]{1,64})$/.exec(pathname)?.[1]
  if (name !== undefined) return name
  throw refused(404, 'Use /inbox/<name>: up to 64 letters, digits, dots, dashes and underscores.')
}

type Received = Omit<InboxRequest, 'receivedAt'>

/** It is kept before it is answered, so that a sender that gives up is seen as well. */
async function receive(
  { request, response, url }: Exchange,
  keepRequest: (request: Received) => void,
): Promise<Answer> {
  const status = numberIn(url, 'status', { otherwise: 200, min: 200, max: 599 })
  const delayMs = numberIn(url, 'delay', { otherwise: 0, min: 0, max: inboxDelayMsMax })
  const body = await readBody(request)
  const path = `${url.pathname}${url.search}`
  keepRequest({ method: request.method ?? '', path, headers: headerLines(request), body, status })
  if (delayMs > 0) await untilLater(delayMs, response)
  return json(status, { received: status < 300 })
}

type Bounds = { readonly otherwise: number; readonly min: number; readonly max: number }

function numberIn(url: URL, name: string, { otherwise, min, max }: Bounds): number {
  const text = url.searchParams.get(name)
  if (text === null) return otherwise
  const number = Number(text)
  if (/^\d{1,6}$/.test(text) && number >= min && number <= max) return number
  throw refused(400, `${name}: must be a whole number from ${min} to ${max}.`)
}

/** Also ends when the sender leaves. */
async function untilLater(delayMs: number, response: Exchange['response']): Promise<void> {
  const left = new AbortController()
  response.once('close', () => left.abort())
  await delay(delayMs, undefined, { signal: left.signal }).catch(() => {})
}

function headerLines({ rawHeaders }: Exchange['request']) {
  return rawHeaders.flatMap((name, at) => {
    return at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ''] as const] : []
  })
}

/** Newest first. The inbox moves to the end of the map: the first one is the longest silent. */
function keep(inboxes: Map<string, InboxRequest[]>, name: string, request: InboxRequest): void {
  const requests = [request, ...(inboxes.get(name) ?? [])].slice(0, inboxRequestsMax)
  while (requests.length > 1 && bytesOf(requests) > inboxBytesMax) requests.pop()
  inboxes.delete(name)
  inboxes.set(name, requests)
  if (inboxes.size > inboxesMax) inboxes.delete(inboxes.keys().next().value ?? '')
}

function bytesOf(requests: readonly InboxRequest[]): number {
  const sizes = requests.map(({ body, headers }) => body.length + headers.join().length)
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** A page to browsers, JSON to everything else. */
function show({ request }: Exchange, name: string, requests: readonly InboxRequest[]): Answer {
  if (!request.headers.accept?.includes('text/html')) return json(200, { name, requests })
  return { status: 200, headers: pageHeaders, body: inboxPage(name, requests) }
}

function refused(status: number, message: string): RequestRefused {
  return new RequestRefused({ status, code: 'BAD_USER_INPUT', message })
}
