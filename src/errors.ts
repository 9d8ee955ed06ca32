/** What went wrong, in the words of the public API. */
export type ErrorCode =
  | 'INVALID_INPUT'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'URL_NOT_ALLOWED'
  | 'LIMIT_EXCEEDED'
  | 'INVALID_STATE'
  | 'UNAVAILABLE'

/** One wrong field. `path` starts below `input`; list positions are decimal strings. */
export type InputIssue = { readonly path: readonly string[]; readonly message: string }

type Details = {
  readonly issues?: readonly InputIssue[]
  /** The limit that was passed, for LIMIT_EXCEEDED. */
  readonly limit?: number
  readonly cause?: unknown
}

/**
 * A failure the caller can act on. The message is shown to the caller as it is: it says what is
 * wrong, where, and which limit holds, and never holds a secret, SQL or a file's path.
 * Everything else that is thrown is our bug or our infrastructure, and is masked outside.
 */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly issues: readonly InputIssue[]
  readonly limit: number

  constructor(code: ErrorCode, message: string, details: Details = {}) {
    super(message, { cause: details.cause })
    this.name = 'AppError'
    this.code = code
    this.issues = details.issues ?? []
    this.limit = details.limit ?? 0
  }
}

/** Wrong input, field by field. The summary repeats the first issue, so that a log line says it. */
export function invalidInput(issues: readonly InputIssue[]): AppError {
  const [first] = issues
  const where = first && first.path.length > 0 ? `${first.path.join('.')}: ` : ''
  const summary = first ? `${where}${first.message}` : 'The input is not valid.'
  return new AppError('INVALID_INPUT', summary, { issues })
}

/** The same words for a foreign id as for one that never existed (promise P7). */
export function notFound(noun: string): AppError {
  return new AppError('NOT_FOUND', `${noun} not found.`)
}
