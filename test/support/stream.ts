import type { Json } from './client.ts'

/** One server-sent event. `data` is what its JSON says; undefined where it has none. */
export type SentEvent = {
  readonly event: string
  readonly id: string | undefined
  readonly data: Json
}

/** A stream of server-sent events, read by hand. */
export type EventStream = AsyncDisposable & {
  readonly response: Response
  /** The next event; undefined where the stream has ended. */
  readonly next: () => Promise<SentEvent | undefined>
}

/** What a stream is asked for with. */
export type StreamWish = {
  readonly key: string
  readonly query: string
  readonly variables?: object
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks for a stream at `url`. Its answer may also be a refusal. */
export async function openStream(url: string, wish: StreamWish): Promise<EventStream> {
  const { key, query, variables = {}, method = 'POST', headers = {} } = wish
  const aborting = new AbortController()
  const address = new URL('/graphql/stream', url)
  if (method === 'GET') {
    address.searchParams.set('query', query)
    address.searchParams.set('variables', JSON.stringify(variables))
  }
  const response = await fetch(address, {
    method,
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${key}`,
      ...headers,
    },
    ...(method === 'POST' && { body: JSON.stringify({ query, variables }) }),
    signal: aborting.signal,
  })
  const events = eventsOf(response)
  return {
    response,
    next: async () => (await events.next()).value,
    [Symbol.asyncDispose]: async () => aborting.abort(),
  }
}

async function* eventsOf({ body }: Response): AsyncGenerator<SentEvent, undefined> {
  if (!body) return undefined
  let text = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = readEvent(text.slice(0, end))
      text = text.slice(end + 2)
      if (event) yield event
    }
  }
  return undefined
}

/** A comment is no event. */
function readEvent(text: string): SentEvent | undefined {
  const fields = new Map(
    text.split('\n').map((line) => line.split(/: ?(.*)/s, 2) as [string, string]),
  )
  const event = fields.get('event')
  if (event === undefined) return undefined
  const data = fields.get('data') ?? ''
  return { event, id: fields.get('id'), data: data === '' ? undefined : JSON.parse(data) }
}
