import type { InputIssue } from '../../errors.ts'
import type { Scope } from '../../model/api-key.ts'
import { type Caller, holds } from '../caller.ts'
import { countHttpRequest } from '../counted-request.ts'
import { type Loaders, newLoaders } from '../graphql/loaders.ts'
import { type Answer, type Exchange, explain, json, type Route } from '../http.ts'
import {
  forbidden,
  type Problem,
  RequestRefused,
  unauthenticated,
  wrongMethod,
} from '../problem.ts'
import { actingFor, type ActingServices, type Services } from '../services.ts'

/** A request of a caller who may make it. */
export type RestRequest = {
  readonly exchange: Exchange
  readonly caller: Caller
  readonly loaders: Loaders
  readonly services: ActingServices
}

/** What a method does at a path, and what the caller's key must hold for it. */
export type RestAction = {
  readonly scope: Scope
  readonly answer: (request: RestRequest) => Promise<Answer>
}

/** Enough to see what is wrong: a body of 1 MiB can be wrong in a hundred thousand places. */
const issuesShownMax = 100

/** A path with its methods. The same keys, limits and refusals as GraphQL, in another shape. */
export function restRoute(
  path: string,
  actions: Readonly<Record<string, RestAction>>,
  services: Services,
): Route {
  const methods = Object.keys(actions)
  return {
    path,
    answer: async (exchange) => {
      const { method = '' } = exchange.request
      const action = actions[method]
      if (!action) throw wrongMethod(methods.join(', '), `Use ${methods.join(' or ')}.`)
      const caller = await admit(exchange, services)
      if (!holds(caller, action.scope)) throw forbidden(`${method} ${path}`, caller.scopes)
      const loaders = newLoaders(services, caller)
      return action.answer({ exchange, caller, loaders, services: actingFor(caller, services) })
    },
    refuse: (error, exchange) => refusal(explain(error, exchange, services.log)),
  }
}

async function admit(exchange: Exchange, services: Services): Promise<Caller> {
  const { authorization } = exchange.request.headers
  const authentication = await services.callers.authenticate(authorization)
  if (!authentication.ok) throw new RequestRefused(unauthenticated(authentication.message))
  await countHttpRequest(exchange, authentication.caller, services)
  return authentication.caller
}

function refusal(problem: Problem): Answer {
  const issues: readonly InputIssue[] = problem.issues?.slice(0, issuesShownMax) ?? []
  const error = { code: codeOf(problem), message: problem.message, issues }
  return json(problem.status, { error }, problem.headers)
}

/** Clients know a wrong input by one code, whether its JSON or what it says is wrong. */
function codeOf({ code, reason = code }: Problem): string {
  return reason === 'BAD_REQUEST' || reason === 'BAD_USER_INPUT' ? 'INVALID_INPUT' : reason
}
