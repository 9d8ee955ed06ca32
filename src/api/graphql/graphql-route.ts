import { smallRequestBytesMax } from '../../limits.ts'
import { isObject } from '../body.ts'
import { anonymous, type Caller } from '../caller.ts'
import { countHttpRequest } from '../counted-request.ts'
import { type Answer, type Exchange, explain, json, type Route } from '../http.ts'
import { newLargeRequests } from '../large-requests.ts'
import { type Problem, RequestRefused, unauthenticated, wrongMethod } from '../problem.ts'
import type { Services } from '../services.ts'
import { readParams } from './params.ts'
import { extensionsOf } from './present-error.ts'
import { type Asked, newYoga } from './yoga.ts'

/** How the route meets people, who come with a browser. */
export type GraphqlRouteOptions = {
  /** Answers browsers with GraphiQL's page; false: there is none. */
  readonly graphiql: ((exchange: Exchange) => Promise<Answer>) | false
}

/** GraphQL over HTTP at `/graphql`, and GraphiQL for browsers where it is on. */
export function graphqlRoute(services: Services, { graphiql }: GraphqlRouteOptions): Route {
  const yoga = newYoga(services)
  const takeTurn = newLargeRequests()
  return {
    path: '/graphql',
    answer: async (exchange) => {
      if (graphiql !== false && wantsPage(exchange)) return graphiql(exchange)
      const asked = await readAsked(exchange, services)
      if (asked.bodyText.length <= smallRequestBytesMax) return run(yoga, asked)
      return takeTurn(sharerOf(asked), () => run(yoga, asked))
    },
    refuse: (error, exchange) => refusal(explain(error, exchange, services.log), exchange),
  }
}

/** Whose burst it may be: an operator's is that of the workspace it publishes to. */
function sharerOf({ caller, params }: Asked): string {
  const input = params.variables?.['input']
  const workspaceId = isObject(input) ? input['workspaceId'] : undefined
  return caller.workspaceId ?? (typeof workspaceId === 'string' ? workspaceId : 'operator')
}

/** In this order: nothing is read of a stranger, and no body that would be refused anyway. */
async function readAsked(exchange: Exchange, services: Services): Promise<Asked> {
  const { method, headers } = exchange.request
  if (method !== 'GET' && method !== 'POST') throw wrongMethod('GET, POST')
  checkAccept(headers.accept)
  const caller = await admit(exchange, services)
  const [params, bodyText] = await readParams(exchange)
  return { exchange, caller, isAnonymous: caller === anonymous, params, bodyText }
}

/** Who asks, counted as one request more; refuses whose key is wrong, and who asks too often. */
export async function admit(exchange: Exchange, services: Services): Promise<Caller> {
  const caller = await readCaller(exchange.request.headers.authorization, services)
  await countHttpRequest(exchange, caller, services)
  return caller
}

async function readCaller(authorization: string | undefined, services: Services): Promise<Caller> {
  const { callers, config } = services
  const authentication = await callers.authenticate(authorization)
  if (authentication.ok) return authentication.caller
  if (authentication.reason === 'MISSING' && config.openIntrospection) return anonymous
  throw new RequestRefused(unauthenticated(authentication.message))
}

const graphqlType = 'application/graphql-response+json'

function checkAccept(accept = '*/*'): void {
  const accepted = /\*\/\*|application\/(?:\*|json|graphql-response\+json)/i
  if (accepted.test(accept)) return
  const message = `Use Accept: application/json or ${graphqlType}.`
  const reason = 'NOT_ACCEPTABLE'
  throw new RequestRefused({ status: 406, code: 'BAD_USER_INPUT', reason, message })
}

async function run(yoga: ReturnType<typeof newYoga>, asked: Asked): Promise<Answer> {
  const { method = 'GET', headers } = asked.exchange.request
  const passed = ['accept', 'authorization', 'content-type'] as const
  const request = new Request('http://localhost/graphql', {
    method,
    headers: passed.flatMap((name) => {
      const value = headers[name]
      return value === undefined ? [] : [[name, value] as [string, string]]
    }),
  })
  const response = await yoga.fetch(request, { asked })
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  }
}

/** A whole request that failed, by the protocol. */
export function refusal(problem: Problem, { request, requestId }: Exchange): Answer {
  const error = { message: problem.message, extensions: extensionsOf(problem, requestId) }
  const type = request.headers.accept?.includes(graphqlType) ? graphqlType : 'application/json'
  const contentType = { 'content-type': `${type}; charset=utf-8` }
  return json(problem.status, { errors: [error] }, { ...contentType, ...problem.headers })
}

function wantsPage({ request, url }: Exchange): boolean {
  const asksForHtml = request.headers.accept?.includes('text/html') ?? false
  return request.method === 'GET' && asksForHtml && !url.searchParams.has('query')
}
