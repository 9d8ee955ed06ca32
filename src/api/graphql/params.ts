import type { Exchange } from '../http.ts'
import { badRequest, isObject, parseJson, readJsonText } from '../body.ts'
import { queryLengthMax, variableKeysMax } from '../../limits.ts'
import { RequestRefused, wrongMethod } from '../problem.ts'

/** What a request asks to be executed. */
export type Params = {
  readonly query: string
  readonly operationName?: string
  readonly variables?: Record<string, unknown>
  readonly extensions?: Record<string, unknown>
}

/** Reads a GraphQL request by the GraphQL over HTTP specification: GET, or POST of JSON. */
export async function readParams({ request, url }: Exchange): Promise<[Params, bodyText: string]> {
  if (request.method === 'GET') return [checkParams(fromQueryString(url.searchParams)), '']
  if (request.method !== 'POST') throw wrongMethod('GET, POST')
  const bodyText = await readJsonText(request)
  return [checkParams(parseBody(bodyText)), bodyText]
}

function parseBody(text: string): Record<string, unknown> {
  if (text.trim() === '')
    throw badRequest('Request body is empty; send a JSON object with "query".')
  const body = parseJson(text, 'Request body')
  if (Array.isArray(body)) {
    const message = 'Batched requests are not supported; send one operation per request.'
    const reason = 'BATCHING_DISABLED'
    throw new RequestRefused({ status: 400, code: 'BAD_USER_INPUT', reason, message })
  }
  if (isObject(body)) return body
  throw badRequest('Request body must be a JSON object with "query".')
}

function fromQueryString(search: URLSearchParams): Record<string, unknown> {
  const read = (name: string) => {
    const text = search.get(name)
    return text === null || text === '' ? undefined : parseJson(text, `"${name}"`)
  }
  return {
    query: search.get('query') ?? undefined,
    operationName: search.get('operationName') ?? undefined,
    variables: read('variables'),
    extensions: read('extensions'),
  }
}

/** Keys that no specification knows are left out, as it demands (section 5.3). */
function checkParams(given: Record<string, unknown>): Params {
  const { query, operationName, variables, extensions } = given
  if (query === undefined || query === null || query === '')
    throw badRequest('"query" is required.')
  const text = asText('query', query)
  if (text.length > queryLengthMax) throw tooLong(text.length)
  checkKeyCounts(variables)
  return {
    query: text,
    ...(isGiven(operationName) && { operationName: asText('operationName', operationName) }),
    ...(isGiven(variables) && { variables: asObject('variables', variables) }),
    ...(isGiven(extensions) && { extensions: asObject('extensions', extensions) }),
  }
}

function asText(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw wrongKind(name, 'a string', value)
}

function asObject(name: string, value: unknown): Record<string, unknown> {
  if (isObject(value)) return value
  throw wrongKind(name, 'an object', value)
}

/** No one object may have more keys: what follows takes more than linear time with some of them. */
function checkKeyCounts(variables: unknown): void {
  const open = [variables]
  for (let value = open.pop(); open.length > 0 || value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null) continue
    const items = Array.isArray(value) ? value : Object.values(value)
    if (items.length > variableKeysMax && !Array.isArray(value)) throw tooManyKeys(items.length)
    for (const item of items) if (typeof item === 'object' && item !== null) open.push(item)
  }
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

function wrongKind(name: string, wanted: string, value: unknown): RequestRefused {
  const got = Array.isArray(value) ? 'array' : typeof value
  return badRequest(`"${name}" must be ${wanted}, got ${got}.`)
}

function tooLong(actual: number): RequestRefused {
  return new RequestRefused({
    status: 400,
    code: 'QUERY_TOO_COMPLEX',
    reason: 'QUERY_TOO_LONG',
    message: `"query" has ${actual} characters, limit ${queryLengthMax}.`,
    limit: queryLengthMax,
    actual,
  })
}

function tooManyKeys(actual: number): RequestRefused {
  return new RequestRefused({
    status: 400,
    code: 'BAD_USER_INPUT',
    reason: 'INPUT_TOO_LARGE',
    message: `"variables" holds an object with ${actual} keys, limit ${variableKeysMax}.`,
    limit: variableKeysMax,
    actual,
  })
}
