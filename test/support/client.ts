/** Any JSON, as `JSON.parse` answers it: a test knows what it asked for. */
export type Json = ReturnType<typeof JSON.parse>

/** An answer over HTTP, read whole. */
export type Reply = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Of a GraphQL answer; undefined where there is none. */
  readonly data: Json
  readonly errors: readonly ReplyError[]
}

/** One top-level error. */
export type ReplyError = {
  readonly message: string
  readonly path?: readonly (string | number)[]
  readonly extensions: { readonly code: string; readonly [name: string]: unknown }
}

/** Talks to one server with one key. */
export type Client = {
  /** One operation, whatever comes of it. */
  readonly send: (query: string, variables?: object) => Promise<Reply>
  /** One operation that must succeed: its data. */
  readonly ask: (query: string, variables?: object) => Promise<Json>
  /**
   * One mutation by its name and input: what is asked of its success (`fields`), or
   * its error with `code`, `message`, and `issues` where it has them.
   */
  readonly mutate: (name: string, input: object, fields?: string) => Promise<Json>
  /** Any request. */
  readonly fetch: (path: string, init?: RequestInit) => Promise<Reply>
}

/** A client of the server at `url`; with null it has no key. */
export function newClient(url: string, key: string | null): Client {
  const authorization: Record<string, string> =
    key === null ? {} : { authorization: `Bearer ${key}` }

  async function fetchReply(path: string, init: RequestInit = {}): Promise<Reply> {
    const headers = { ...authorization, ...(init.headers as Record<string, string>) }
    const response = await fetch(new URL(path, url), { ...init, headers })
    const text = await response.text()
    const body = parseOr(text, {})
    const { status } = response
    return { status, headers: response.headers, text, data: body.data, errors: body.errors ?? [] }
  }

  function send(query: string, variables: object = {}): Promise<Reply> {
    const body = JSON.stringify({ query, variables })
    const headers = { 'content-type': 'application/json' }
    return fetchReply('/graphql', { method: 'POST', headers, body })
  }

  async function ask(query: string, variables: object = {}): Promise<Json> {
    const { data, errors, text } = await send(query, variables)
    if (errors.length > 0 || data === undefined) throw new Error(`The query failed: ${text}`)
    return data
  }

  async function mutate(name: string, input: object, fields = ''): Promise<Json> {
    const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
    const data = await ask(
      `mutation ($input: ${type}Input!) {
        ${name}(input: $input) {
          __typename
          ... on ${type}Success { __typename ${fields} }
          ... on Error { code message ... on ValidationError { issues { path message } } }
        }
      }`,
      { input },
    )
    return data[name]
  }

  return { send, ask, mutate, fetch: fetchReply }
}

function parseOr(text: string, otherwise: Json): Json {
  try {
    return JSON.parse(text)
  } catch {
    return otherwise
  }
}
