import { AppError } from '../errors.ts'
import type { ErrorCode, InputIssue } from '../errors.ts'
import type { Scope } from '../model/api-key.ts'
import { isDatabaseDown } from './database-down.ts'

/** Codes of errors that no mutation answers as its result. */
export type TopLevelCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'RATE_LIMITED'
  | 'GRAPHQL_PARSE_FAILED'
  | 'GRAPHQL_VALIDATION_FAILED'
  | 'BAD_USER_INPUT'
  | 'QUERY_TOO_COMPLEX'
  | 'UNAVAILABLE'
  | 'INTERNAL_SERVER_ERROR'

/** A failure as the outside sees it, whatever the protocol. */
export type Problem = {
  /** The HTTP status where the whole request fails with it. */
  readonly status: number
  readonly code: TopLevelCode
  /** The finer code of a domain error, or of a fault in the request's envelope. */
  readonly reason?: string
  readonly message: string
  readonly issues?: readonly InputIssue[]
  /** The variable or argument that is wrong, where it is one alone. */
  readonly field?: string
  readonly limit?: number
  readonly actual?: number
  /** Whether the same request may succeed later. */
  readonly retryable?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

/** Thrown where a request is refused before any domain code runs. */
export class RequestRefused extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.message)
    this.name = 'RequestRefused'
    this.problem = problem
  }
}

/** Refused for having asked too often in this minute. */
export function rateLimited(limit: number, resetSeconds: number): RequestRefused {
  const headers = { 'retry-after': String(resetSeconds) }
  const again = `Try again in ${resetSeconds} s.`
  const message = `Rate limit of ${limit} requests a minute for this key. ${again}`
  return new RequestRefused({
    status: 429,
    code: 'RATE_LIMITED',
    message,
    limit,
    retryable: true,
    headers,
  })
}

/** Refused for another method than the route knows. */
export function wrongMethod(allow: string, message = 'Use POST.'): RequestRefused {
  return new RequestRefused({
    status: 405,
    code: 'BAD_USER_INPUT',
    reason: 'METHOD_NOT_ALLOWED',
    message,
    headers: { allow },
  })
}

/** Refused for want of a scope. */
export function forbidden(what: string, scopes: readonly Scope[]): RequestRefused {
  const held = scopes.length > 0 ? scopes.join(', ') : 'none'
  const message = `This key may not use ${what}; its scopes: ${held}.`
  return new RequestRefused({ status: 403, code: 'FORBIDDEN', message })
}

type Translation = Pick<Problem, 'status' | 'code'>

/** The one table of what a domain error is to the outside. */
const translations: Record<ErrorCode, Translation> = {
  INVALID_INPUT: { status: 400, code: 'BAD_USER_INPUT' },
  NOT_FOUND: { status: 404, code: 'BAD_USER_INPUT' },
  CONFLICT: { status: 409, code: 'BAD_USER_INPUT' },
  URL_NOT_ALLOWED: { status: 400, code: 'BAD_USER_INPUT' },
  LIMIT_EXCEEDED: { status: 400, code: 'BAD_USER_INPUT' },
  INVALID_STATE: { status: 409, code: 'BAD_USER_INPUT' },
  UNAVAILABLE: { status: 503, code: 'UNAVAILABLE' },
}

const unavailable: Problem = {
  status: 503,
  code: 'UNAVAILABLE',
  message: 'The service is not available right now. Try again.',
  retryable: true,
  headers: { 'retry-after': '1' },
}

const internal: Problem = {
  status: 500,
  code: 'INTERNAL_SERVER_ERROR',
  message: 'Something went wrong on our side.',
}

/** What the outside is told of a failure. What we do not know is our bug, and stays inside. */
export function problemOf(error: unknown): Problem {
  if (error instanceof RequestRefused) return error.problem
  if (error instanceof AppError) return domainProblem(error)
  if (holdsNul(error)) return nulCharacter
  if (isStackOverflow(error)) return tooDeep
  return isDatabaseDown(error) ? unavailable : internal
}

const nulCharacter: Problem = {
  status: 400,
  code: 'BAD_USER_INPUT',
  message: 'A text contains a NUL character, which no name, id or key has.',
}

/** PostgreSQL stores no NUL, and does not even look for one: 22021, or 08P01 in a list. */
function holdsNul(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(22021|08P01)$/.test(String(error.code))
}

const tooDeep: Problem = {
  status: 400,
  code: 'QUERY_TOO_COMPLEX',
  reason: 'QUERY_TOO_DEEP',
  message: 'The query or one of its values is nested too deep.',
}

/** Of the parser or of a value's reader: the request asks for more levels than the stack has. */
function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes('call stack')
}

function domainProblem(error: AppError): Problem {
  if (error.code === 'UNAVAILABLE') return { ...unavailable, message: error.message }
  return {
    ...translations[error.code],
    reason: error.code,
    message: error.message,
    ...(error.issues.length > 0 && { issues: error.issues }),
    ...(error.limit > 0 && { limit: error.limit }),
  }
}

/** Whether somebody on our side must look at it: its cause goes to the log, not to the caller. */
export function isOurFault(problem: Problem): boolean {
  return problem.status >= 500
}

/** Refused for a missing or unusable key (RFC 6750, section 3). */
export function unauthenticated(message: string): Problem {
  const headers = { 'www-authenticate': 'Bearer' }
  return { status: 401, code: 'UNAUTHENTICATED', message, headers }
}
