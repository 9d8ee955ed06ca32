import { monotonicMs } from './monotonic.ts'

/** What a publish, or any other mutation, came to for the caller. */
export type Reply = {
  /** ok: done. fail: clearly refused, nothing was done. info: nobody knows. */
  readonly outcome: 'ok' | 'fail' | 'info'
  /** What stands for it: the type of the answer, the code of the error, or what broke. */
  readonly code: string
  readonly isRetryable: boolean
  /** Fields of the mutation's result. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly sentMs: number
  readonly repliedMs: number
}

export type Question = {
  readonly url: string
  readonly key: string
  readonly mutation: string
  readonly input: object
  /** What is asked of the success. */
  readonly fields: string
}

/** A client's patience. */
const replyMsMax = 15_000

/** One mutation, by its name, whatever comes of it. */
export async function mutate(question: Question): Promise<Reply> {
  const sentMs = monotonicMs()
  const judged = await post(question).catch((error: unknown) => ({
    outcome: 'info' as const,
    code: breakOf(error),
    isRetryable: true,
    fields: {},
  }))
  return { ...judged, sentMs, repliedMs: monotonicMs() }
}

async function post({ url, key, mutation, input, fields }: Question) {
  const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}`
  const query = `mutation ($input: ${type}Input!) {
    ${mutation}(input: $input) {
      __typename ... on ${type}Success { ${fields} } ... on Error { message }
    }
  }`
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables: { input } }),
    signal: AbortSignal.timeout(replyMsMax),
  })
  const { data, errors = [] } = (await response.json()) as Body
  return judge(data?.[mutation], errors)
}

type Result = Record<string, unknown>
type Fault = { readonly extensions?: { readonly code?: string; readonly retryable?: boolean } }
type Body = { readonly data?: Record<string, Result> | null; readonly errors?: readonly Fault[] }

/** These say that nothing was done. What fails on the server's side may have been done. */
const refusals = /^(UNAUTHENTICATED|FORBIDDEN|RATE_LIMITED|BAD_USER_INPUT|QUERY_TOO_COMPLEX)$/

function judge(fields: Result | undefined, errors: readonly Fault[]) {
  const typename = String(fields?.['__typename'])
  if (fields && typename.endsWith('Success')) {
    return { outcome: 'ok' as const, code: typename, isRetryable: false, fields }
  }
  if (fields) return { outcome: 'fail' as const, code: typename, isRetryable: false, fields }
  const { code = 'NONE', retryable = false } = errors[0]?.extensions ?? {}
  const outcome = refusals.test(code) ? ('fail' as const) : ('info' as const)
  return { outcome, code, isRetryable: retryable, fields: {} }
}

/** ECONNREFUSED, ECONNRESET, TimeoutError and their like. */
function breakOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(cause instanceof Error)) return String(cause)
  return 'code' in cause ? String(cause.code) : cause.name
}
