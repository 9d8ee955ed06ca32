import { GraphQLError } from 'graphql'
import type { Log } from '../../log.ts'
import { isOurFault, type Problem, problemOf } from '../problem.ts'
import { withEnumValues } from './enum-hint.ts'

/** What an error's report needs to know of its request. */
export type ErrorSetting = {
  readonly requestId: string
  readonly log: Pick<Log, 'error'>
}

/** An error to show, with what it is to the protocol that carries it. */
export type Presented = { readonly error: GraphQLError; readonly problem: Problem }

/**
 * An error as the caller may see it. Ours are logged with their cause and masked; the rest says
 * what is wrong. Every one carries a code and the request's id.
 */
export function presentError(error: GraphQLError, setting: ErrorSetting): Presented {
  const cause = causeOf(error)
  const problem = cause === undefined ? requestProblem(error) : problemOf(cause)
  const { requestId, log } = setting
  if (isOurFault(problem)) {
    log.error({ err: cause, requestId, path: error.path, code: problem.code }, 'request failed')
  }
  const { nodes, source, positions, path } = error
  const shown = new GraphQLError(problem.message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions: extensionsOf(problem, requestId),
  })
  return { error: shown, problem }
}

/** What was thrown, beneath all wrapping; undefined where it is GraphQL's own error. */
function causeOf(error: GraphQLError): unknown {
  const { originalError } = error
  if (originalError === undefined) return undefined
  return originalError instanceof GraphQLError ? causeOf(originalError) : originalError
}

/** What programs read of a problem. */
export function extensionsOf(problem: Problem, requestId: string): Record<string, unknown> {
  const { code, reason, field, issues, limit, actual, retryable } = problem
  const where = field ?? issues?.[0]?.path.join('.')
  const all = { code, reason, field: where, issues, limit, actual, retryable, requestId }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** GraphQL's own refusals: of a document, of its variables, or of an argument. */
function requestProblem({ message, extensions, locations }: GraphQLError): Problem {
  const status = extensions.http?.status ?? 400
  if (message.startsWith('Syntax Error')) {
    const [at] = locations ?? []
    const where = at ? ` (line ${at.line}, column ${at.column})` : ''
    return { status: 400, code: 'GRAPHQL_PARSE_FAILED', message: `${message}${where}` }
  }
  if (extensions['code'] === 'GRAPHQL_VALIDATION_FAILED') {
    return { status: 400, code: 'GRAPHQL_VALIDATION_FAILED', message: withEnumValues(message) }
  }
  const variable = /^Variable "\$(\w+)"(?:.*? at "([^"]+)")?/.exec(message)
  const field = variable?.[2] ?? variable?.[1]
  const told = withEnumValues(message)
  return { status, code: 'BAD_USER_INPUT', message: told, ...(field !== undefined && { field }) }
}
