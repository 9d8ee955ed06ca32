import { useCSRFPrevention } from '@graphql-yoga/plugin-csrf-prevention'
import type { DocumentNode, ExecutionResult } from 'graphql'
import { createYoga, type Plugin } from 'graphql-yoga'
import type { Caller } from '../caller.ts'
import type { Exchange } from '../http.ts'
import { actingFor, type Services } from '../services.ts'
import type { Context } from './context.ts'
import { newLoaders } from './loaders.ts'
import { checkOperation, operationMeant } from './operation.ts'
import type { Params } from './params.ts'
import { type ErrorSetting, presentError } from './present-error.ts'
import { refuseCostly, tokenLimit } from './query-limits.ts'
import { schema } from './schema.ts'
import { forbiddenSelection } from './selection-scopes.ts'

/** A request whose caller is known and whose envelope is sound. */
export type Asked = {
  readonly exchange: Exchange
  readonly caller: Caller
  /** Without a key: may read the schema alone. */
  readonly isAnonymous: boolean
  readonly params: Params
  /** Empty for GET. */
  readonly bodyText: string
}

type ServerContext = { readonly asked: Asked }
type YogaContext = ServerContext & { readonly params?: Params }

/**
 * The GraphQL server behind the envelope. Everything yoga would do on its own for a browser or a
 * form is off: `graphql-route.ts` decides what gets here.
 */
export function newYoga(services: Services) {
  return createYoga<ServerContext, Context>({
    schema,
    context: ({ asked }) => contextOf(asked, services),
    graphqlEndpoint: '/graphql',
    batching: false,
    cors: false,
    graphiql: false,
    landingPage: false,
    logging: false,
    multipart: false,
    // Errors are shown by `presentResult`, which knows the request; masking here would lose causes.
    maskedErrors: false,
    plugins: [
      // A browser asks before it sends this header to another site (Fetch, CORS preflight).
      useCSRFPrevention({ requestHeaders: ['authorization', 'x-postrider-csrf'] }),
      tokenLimit,
      readOnceParams,
      checkedOperations,
      wholeMutations,
      presentedResults(services),
    ],
  })
}

function contextOf({ caller, exchange, bodyText }: Asked, services: Services): Context {
  const loaders = newLoaders(services, caller)
  const { request, requestId } = exchange
  const { traceparent: given } = request.headers
  const traceparent = typeof given === 'string' ? given : null
  const acting = actingFor(caller, services)
  return { caller, requestId, services: acting, loaders, bodyText, traceparent }
}

/** The parameters were read with the body; yoga need not read them again. */
const readOnceParams: Plugin<object, ServerContext> = {
  onRequestParse: ({ serverContext, setRequestParser }) => {
    setRequestParser(() => serverContext.asked.params)
  },
}

/** Between parsing and validation, which is the dear one. */
const checkedOperations: Plugin<YogaContext> = {
  onParse: () => {
    return ({ result, context }) => {
      if (!isDocument(result)) return
      const { exchange, caller, isAnonymous, params } = context.asked
      const operation = operationMeant(result, params.operationName)
      const method = exchange.request.method ?? ''
      checkOperation(operation, { document: result, caller, isAnonymous, method })
      refuseCostly(schema, result, params.variables ?? {})
    }
  },
}

/** Nothing is changed for a caller who may not see all that they ask for in return. */
const wholeMutations: Plugin<YogaContext> = {
  onExecute: ({ args, setResultAndStopExecution }) => {
    const error = forbiddenSelection(args, args.contextValue.asked.caller)
    if (error) setResultAndStopExecution({ data: null, errors: [error] })
  },
}

function isDocument(result: unknown): result is DocumentNode {
  return result instanceof Object && 'definitions' in result
}

/** Every answer passes here, whatever failed and wherever. */
function presentedResults({ log }: Services): Plugin<object, ServerContext> {
  return {
    onResultProcess: (process) => {
      const { result, serverContext } = process
      if (Array.isArray(result) || Symbol.asyncIterator in result) return
      const { exchange } = serverContext.asked
      const setting = { requestId: exchange.requestId, log }
      const { accept } = exchange.request.headers
      process.setResult(presentResult(result as ExecutionResult, setting, accept))
    },
  }
}

/**
 * Sets the HTTP status as well. A request that was executed is 200, whatever its resolvers said,
 * unless nothing came of it through our fault. What fails before is 4xx, except to a client that
 * accepts `application/json` alone: it expects 200 (GraphQL over HTTP, section 6.4.1).
 */
function presentResult(result: ExecutionResult, setting: ErrorSetting, accept: string | undefined) {
  if (!result.errors) return result
  const legacy = /application\/json/.test(accept ?? '') && !/\*|graphql-response/.test(accept ?? '')
  const errors = result.errors.map((given) => {
    const { error, problem } = presentError(given, setting)
    const executed = given.path !== undefined
    if (executed && (problem.status < 500 || result.data)) return error
    const spec = legacy && problem.reason === undefined && problem.status === 400
    const { status, headers = {} } = problem
    error.extensions['http'] = { status, headers: { ...headers }, spec }
    return error
  })
  return { ...result, errors }
}
