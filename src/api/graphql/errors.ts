import { AppError } from '../../errors.ts'
import type { ErrorCode, InputIssue } from '../../errors.ts'
import { builder } from './builder.ts'

type ResultCode = Exclude<ErrorCode, 'UNAVAILABLE'>

/** A domain error as one of a mutation's results. The schema tells them apart by class. */
class ResultError extends Error {
  readonly code: ResultCode
  readonly issues: readonly InputIssue[]
  readonly limit: number

  constructor(code: ResultCode, { message, issues, limit }: AppError) {
    super(message)
    this.code = code
    this.issues = issues
    this.limit = limit
  }
}

/** INVALID_INPUT as a result. */
export class ValidationError extends ResultError {}
/** NOT_FOUND as a result. */
export class NotFoundError extends ResultError {}
/** CONFLICT as a result. */
export class ConflictError extends ResultError {}
/** URL_NOT_ALLOWED as a result. */
export class UrlNotAllowedError extends ResultError {}
/** LIMIT_EXCEEDED as a result. */
export class LimitExceededError extends ResultError {}
/** INVALID_STATE as a result. */
export class InvalidStateError extends ResultError {}

/** Any of the errors a mutation can list among its results. */
export type ResultErrorClass = new (code: ResultCode, error: AppError) => ResultError

const classOf: Record<ResultCode, ResultErrorClass> = {
  INVALID_INPUT: ValidationError,
  NOT_FOUND: NotFoundError,
  CONFLICT: ConflictError,
  URL_NOT_ALLOWED: UrlNotAllowedError,
  LIMIT_EXCEEDED: LimitExceededError,
  INVALID_STATE: InvalidStateError,
}

/**
 * The error to throw in a mutation's resolver: the result where its union has one for it, and
 * otherwise the error as it came, which becomes a top-level one.
 */
export function asResult(error: unknown, union: readonly ResultErrorClass[]): unknown {
  if (!(error instanceof AppError) || error.code === 'UNAVAILABLE') return error
  const found = classOf[error.code]
  return union.includes(found) ? new found(error.code, error) : error
}

const ErrorCodeEnum = builder.enumType('ErrorCode', {
  description: 'What kind of refusal this is, for programs to act on.',
  values: {
    INVALID_INPUT: { description: 'A field has a value it may not have; see `issues`.' },
    NOT_FOUND: { description: 'There is no such thing, or none that this key may see.' },
    CONFLICT: { description: 'A unique value is taken, or a repeated request differs.' },
    URL_NOT_ALLOWED: { description: 'The URL is well formed, but requests must not go there.' },
    LIMIT_EXCEEDED: { description: 'There are as many as there may be; see `limit`.' },
    INVALID_STATE: { description: 'Not in the state that this needs; the message says which.' },
  } satisfies Record<ResultCode, object>,
})

const ErrorInterface = builder.interfaceRef<ResultError>('Error').implement({
  description: 'A refusal that the caller can act on. Nothing was changed.',
  fields: (t) => ({
    code: t.field({
      type: ErrorCodeEnum,
      resolve: ({ code }) => code,
      description: 'The same for every error of one type.',
    }),
    message: t.exposeString('message', {
      description: 'What is wrong, for people: names the limit that holds and the value given.',
    }),
  }),
})

const InputIssueRef = builder.objectRef<InputIssue>('InputIssue').implement({
  description: 'One field that is wrong.',
  fields: (t) => ({
    path: t.exposeStringList('path', {
      description: 'Where, below `input`: field names, and positions in lists as decimal numbers.',
    }),
    message: t.exposeString('message', { description: 'Why, and which limit holds.' }),
  }),
})

builder.objectType(ValidationError, {
  name: 'ValidationError',
  description:
    'The input is not valid. All fields that are wrong are listed at once; what needs the ' +
    'catalogue of event types is looked up when the others are right.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.field({
      type: [InputIssueRef],
      description: 'Each wrong field.',
      resolve: ({ issues }) => [...issues],
    }),
  }),
})

builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  description: "There is no such thing. Another workspace's is answered in the same words.",
  interfaces: [ErrorInterface],
})

builder.objectType(ConflictError, {
  name: 'ConflictError',
  description: 'Something that must be unique is taken; the message says what.',
  interfaces: [ErrorInterface],
})

builder.objectType(UrlNotAllowedError, {
  name: 'UrlNotAllowedError',
  description:
    'Requests may not go to this URL. The message says which rule refused it, and never what a ' +
    'name resolves to.',
  interfaces: [ErrorInterface],
})

builder.objectType(LimitExceededError, {
  name: 'LimitExceededError',
  description: 'There may not be more of these.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    limit: t.exposeInt('limit', { description: 'How many there may be.' }),
  }),
})

builder.objectType(InvalidStateError, {
  name: 'InvalidStateError',
  description: 'Not possible in the present state.',
  interfaces: [ErrorInterface],
})
