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
import type { Services } from '../services.ts'
import type { Context } from './context.ts'
import { resultsOf } from './event-source.ts'
import { newLoaders } from './loaders.ts'
import { operationMeant, tooComplex } from './operation.ts'
import { type ErrorSetting, presentError } from './present-error.ts'
import { refuseCostly } from './query-limits.ts'
import { schema } from './schema.ts'

/** A subscription that has begun: what it was made of, and where its events come from. */
export type Operation = ExecutionArgs & {
  readonly contextValue: Context
  readonly setting: ErrorSetting
  readonly source: AsyncIterable<unknown>
}

/**
 * Begins a subscription, or answers the errors to send for it. Everything that can be wrong with
 * one is found here: an error thrown later would close the socket, and its neighbours with it.
 */
export async function beginOperation(
  payload: SubscribePayload,
  caller: Caller,
  services: Services,
): Promise<Operation | GraphQLError[]> {
  const setting = { requestId: randomUUID(), log: services.log }
  try {
    const { args, errors } = readOperation(payload, contextOf(caller, services, setting))
    if (errors.length > 0) return errors.map((error) => presentError(error, setting).error)
    const source = await createSourceEventStream(args)
    if (Symbol.asyncIterator in source) return { ...args, setting, source }
    return presented(source, setting).errors as GraphQLError[]
  } catch (error) {
    return [presentError(asGraphQLError(error), setting).error]
  }
}

/** A refusal as the error to send. */
export function refusalOf(error: unknown, { log }: Services): GraphQLError {
  return presentError(asGraphQLError(error), { requestId: randomUUID(), log }).error
}

function readOperation(payload: SubscribePayload, contextValue: Context) {
  const { query, operationName, variables } = payload
  if (query.length > queryLengthMax) throw tooLong(query.length)
  const document = parse(query, { maxTokens: queryTokensMax })
  const { operation } = operationMeant(document, operationName)
  if (operation !== OperationTypeNode.SUBSCRIPTION) {
    throw badRequest('Only subscriptions on this socket.')
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

function contextOf(caller: Caller, services: Services, { requestId }: ErrorSetting): Context {
  return { caller, services, requestId, loaders: newLoaders(services, caller), bodyText: '' }
}

/**
 * The results of a subscription. Each batch of events has loaders of its own: those of an earlier
 * one would go on answering what was true then.
 */
export function resultsOfOperation({ source, setting, ...args }: Operation) {
  const { caller, services } = args.contextValue
  return resultsOf(source, (events) => {
    const contextValue = contextOf(caller, services, setting)
    const runs = events.map((rootValue) => execute({ ...args, rootValue, contextValue }))
    return Promise.all(runs.map(async (run) => presented(await run, setting)))
  })
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
