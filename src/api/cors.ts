import type { IncomingMessage } from 'node:http'
import type { Answer, Route } from './http.ts'

/**
 * Lets pages of these origins call a route and read its answers. Any other page's browser asks
 * first, is told nothing, and keeps the answer from it. No cookies are involved: a page sends its
 * key itself.
 */
export function allowOrigins(route: Route, origins: readonly string[]): Route {
  if (origins.length === 0) return route
  return {
    ...route,
    answer: async (exchange) => {
      const { request, response } = exchange
      const { origin } = request.headers
      response.setHeader('vary', 'Origin') // of every answer, or a cache gives one to another page
      if (origin === undefined || !origins.includes(origin)) return route.answer(exchange)
      response.setHeader('access-control-allow-origin', origin)
      response.setHeader('access-control-expose-headers', shown)
      return isQuestion(request) ? permission : route.answer(exchange)
    },
  }
}

/** A browser's question before a request that a form could not send (Fetch, CORS preflight). */
function isQuestion({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
}

/** What a page may read besides the body. */
const shown = 'x-request-id, retry-after, ratelimit, ratelimit-policy'

const permission: Answer = {
  status: 204,
  headers: {
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
    'access-control-allow-headers': 'accept, authorization, content-type, last-event-id',
    'access-control-max-age': '600',
  },
}
