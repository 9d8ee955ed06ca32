import { randomUUID } from 'node:crypto'
import {
  createSourceEventStream,
  execute,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  OperationTypeNode,
  parse,
  validate,
} from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import { queryLengthMax, queryTokensMax } from '../../limits.ts'
import { badRequest } from '../body.ts'
import type { Caller } from '../caller.ts'
import { actingFor, type Services } from '../services.ts'
import type { Context } from './context.ts'
import { type EventSource, resultsOf } from './event-source.ts'
import { type Loaders, newLoaders } from './loaders.ts'
import { operationMeant, tooComplex } from './operation.ts'
import { type ErrorSetting, presentError } from './present-error.ts'
import { refuseCostly } from './query-limits.ts'
import { schema } from './schema.ts'
import { type EventOperation, eventOperation, shareResult } from './shared-results.ts'

/** A subscription that has begun: what it was made of, and where its events come from. */
export type Operation = ExecutionArgs & {
  readonly contextValue: Context
  readonly setting: ErrorSetting
  readonly source: EventSource<unknown>
  /** What is executed for an event that others get as well. */
  readonly ofEvent: EventOperation
}

/** A subscription that is asked for, over a socket or as a stream. */
export type OperationWish = {
  readonly payload: Pick<SubscribePayload, 'query' | 'operationName' | 'variables'>
  readonly caller: Caller
  readonly services: Services
  readonly requestId?: string
  /** See {@link Context}. */
  readonly lastEventId?: string
}

/**
 * Begins a subscription, or answers the errors to send for it. Everything that can be wrong with
 * one is found here: an error thrown later would close the socket, and its neighbours with it.
 */
export async function beginOperation(wish: OperationWish): Promise<Operation | GraphQLError[]> {
  const { payload, caller, services, requestId = randomUUID(), lastEventId } = wish
  const setting = { requestId, log: services.log }
  try {
    const context = contextOf(caller, services, setting)
    const named = lastEventId === undefined ? context : { ...context, lastEventId }
    const { args, errors } = readOperation(payload, named)
    if (errors.length > 0) return errors.map((error) => presentError(error, setting).error)
    const source = await createSourceEventStream(args)
    if (Symbol.asyncIterator in source) return operationOf({ ...args, setting, source })
    return presented(source, setting).errors as GraphQLError[]
  } catch (error) {
    return [presentError(asGraphQLError(error), setting).error]
  }
}

type Begun = ReturnType<typeof readOperation>['args'] & {
  readonly setting: ErrorSetting
  readonly source: AsyncIterable<unknown>
}

function operationOf({ source, ...begun }: Begun): Operation {
  const { document, operationName, variableValues, contextValue } = begun
  const { caller } = contextValue
  const variables = variableValues ?? {}
  return {
    ...begun,
    source: source[Symbol.asyncIterator]() as EventSource<unknown>,
    ofEvent: eventOperation({ document, operationName, variables, caller }),
  }
}

/** A refusal as the error to send. */
export function refusalOf(error: unknown, { log }: Services): GraphQLError {
  return presentError(asGraphQLError(error), { requestId: randomUUID(), log }).error
}

function readOperation(payload: OperationWish['payload'], contextValue: Context) {
  const { query, operationName, variables } = payload
  if (query.length > queryLengthMax) throw tooLong(query.length)
  const document = parse(query, { maxTokens: queryTokensMax })
  const { operation } = operationMeant(document, operationName)
  if (operation !== OperationTypeNode.SUBSCRIPTION) {
    throw badRequest('Only subscriptions here. Queries and mutations go to /graphql by HTTP.')
  }
  refuseCostly(schema, document, variables ?? {})
  const args = { schema, document, operationName, variableValues: variables, contextValue }
  const errors = validate(schema, document)
  for (const { extensions } of errors) extensions['code'] = 'GRAPHQL_VALIDATION_FAILED'
  return { args, errors }
}

function tooLong(actual: number) {
  const message = `"query" has ${actual} characters, limit ${queryLengthMax}.`
  return tooComplex('QUERY_TOO_LONG', { message, limit: queryLengthMax, actual })
}

/** Most events need no loaders, and making them costs as much as the rest of the event. */
function contextOf(caller: Caller, services: Services, { requestId }: ErrorSetting): Context {
  let loaders: Loaders | undefined
  return {
    ...{ caller, services: actingFor(caller, services), requestId },
    ...{ bodyText: '', traceparent: null },
    get loaders() {
      loaders ??= newLoaders(services, caller)
      return loaders
    },
  }
}

/**
 * The results of a subscription. Each batch of events has loaders of its own: those of an earlier
 * one would go on answering what was true then.
 */
export function resultsOfOperation(operation: Operation) {
  return resultsOf(operation.source, (events) => executeTogether(operation, events))
}

/** The same, each result with what a client names to go on behind it, where that is known. */
export function namedResultsOfOperation(operation: Operation) {
  const { idOf } = operation.source
  return resultsOf(operation.source, async (events) => {
    const results = await executeTogether(operation, events)
    return results.map((result, index) => ({ result, id: idOf?.(events[index]) }))
  })
}

function executeTogether(
  { setting, source, ofEvent, ...args }: Operation,
  events: readonly unknown[],
): Promise<ExecutionResult[]> {
  const { caller, services } = args.contextValue
  const contextValue = contextOf(caller, services, setting)
  const make = async (rootValue: unknown, own: ExecutionArgs): Promise<ExecutionResult> => {
    return presented(await execute({ ...own, rootValue, contextValue }), setting)
  }
  return Promise.all(
    events.map((event) => {
      const shared = source.sharedBy?.(event)
      if (!shared) return make(event, args)
      return shareResult(shared, ofEvent.key, () => make(event, { schema, ...ofEvent }))
    }),
  )
}

function presented(result: ExecutionResult, setting: ErrorSetting): ExecutionResult {
  if (!result.errors) return result
  return { ...result, errors: result.errors.map((error) => presentError(error, setting).error) }
}

function asGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error
  const originalError = error instanceof Error ? error : new Error(String(error))
  return new GraphQLError(originalError.message, { originalError })
}
