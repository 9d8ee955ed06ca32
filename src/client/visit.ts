import { createClient } from 'graphql-ws'
import {
  type DeliveryFilter,
  type FeedItem,
  feedQuery,
  type StreamCheckpoint,
} from './feed-item.ts'

/** The feed will not be shown: coming back would change nothing. */
class FeedRefused extends Error {
  /** The code a socket was closed with, such as 4403; null: the subscription itself was refused. */
  readonly code: number | null

  constructor(message: string, code: number | null) {
    super(message)
    this.name = 'FeedRefused'
    this.code = code
  }
}

/** Where to connect, and what to ask for. */
export type VisitOptions = {
  /** Of the GraphQL endpoint: `https://hooks.example/graphql`. */
  readonly url: string
  readonly key: string
  /** With an operator's key: whose feed. */
  readonly workspaceId?: string
  readonly filter?: DeliveryFilter
  /** A WebSocket where there is none built in: before Node 22 the `WebSocket` of `ws`. */
  readonly webSocketImpl?: unknown
}

/** One connection's share of the feed. */
export type Visit = {
  /** The next item; undefined: the connection has ended. Throws `FeedRefused`. */
  readonly next: () => Promise<FeedItem | StreamCheckpoint | undefined>
  readonly leave: () => void
  /** When the connection has ended, whether its items were read or not: why. */
  readonly ended: Promise<string>
}

/** Two checkpoints and a little: who hears nothing for so long is not connected any more. */
const silenceMsMax = 40_000
/**
 * Items that wait for a slow reader. Beyond, it hangs up, and comes back when it has read these:
 * the feed waits in the database, not in memory.
 */
const itemsMax = 1_000

/** Why a connection ended. Without a refusal it is worth coming back. */
type End = { readonly reason: string; readonly refusal?: FeedRefused }

type State = {
  end: End | undefined
  wake: () => void
}

/** Connects once and follows from `after` until the connection ends. */
export function openVisit(options: VisitOptions, after: string | null): Visit {
  const { key, workspaceId = null, filter = null } = options
  const items: (FeedItem | StreamCheckpoint)[] = []
  const state: State = { end: undefined, wake: () => {} }
  let tellEnd = (_reason: string) => {}
  const ended = new Promise<string>((resolve) => (tellEnd = resolve))
  const client = createClient({
    url: options.url.replace(/^http/, 'ws'),
    connectionParams: { Authorization: `Bearer ${key}` },
    retryAttempts: 0,
    webSocketImpl: socketOf(options),
  })
  let watchdog = setTimeout(hangUpSilent, silenceMsMax)

  function finish(end: End): void {
    state.end ??= end
    clearTimeout(watchdog)
    tellEnd(state.end.reason)
    state.wake()
  }

  function hangUp(reason: string): void {
    finish({ reason })
    client.terminate()
    void client.dispose()
  }

  function hangUpSilent(): void {
    hangUp(`Nothing was heard for ${silenceMsMax / 1000} s.`)
  }

  client.subscribe<{ deliveryChanges: FeedItem | StreamCheckpoint }>(
    { query: feedQuery, variables: { workspaceId, filter, after } },
    {
      next: ({ data, errors }) => {
        if (state.end) return
        if (errors) finish(endOf(errors))
        if (data) items.push(data.deliveryChanges)
        clearTimeout(watchdog)
        watchdog = setTimeout(hangUpSilent, silenceMsMax)
        state.wake()
        if (items.length >= itemsMax) hangUp(`${itemsMax} items wait to be read.`)
      },
      error: (error) => finish(endOf(error)),
      complete: () => finish({ reason: 'The subscription was ended.' }),
    },
  )
  return {
    leave: () => hangUp('The reader left.'),
    ended,
    next: async () => {
      while (items.length === 0 && !state.end) {
        await new Promise<void>((resolve) => (state.wake = resolve))
      }
      const item = items.shift()
      if (!item && state.end?.refusal) throw state.end.refusal
      return item
    },
  }
}

function socketOf({ webSocketImpl }: VisitOptions): typeof WebSocket {
  if (webSocketImpl !== undefined) return heard(webSocketImpl as typeof WebSocket)
  if (typeof WebSocket !== 'undefined') return WebSocket
  throw new Error('There is no WebSocket here; pass that of the package `ws` as `webSocketImpl`.')
}

/** That of `ws` ends the process when it is given up while it connects and nobody listens. */
function heard(webSocketImpl: typeof WebSocket): typeof WebSocket {
  return class extends webSocketImpl {
    constructor(...asked: ConstructorParameters<typeof WebSocket>) {
      super(...asked)
      this.addEventListener('error', () => {})
    }
  }
}

/** A close has a code and a reason, an error a message; a browser says nothing of it. */
type Failure = { readonly code?: unknown; readonly reason?: string; readonly message?: string }

/** Of a close, of the errors of the subscription, or of a connection that failed. */
function endOf(error: unknown): End {
  if (Array.isArray(error)) return endOfErrors(error)
  const { code, reason, message } = (error ?? {}) as Failure
  if (typeof code !== 'number') return { reason: message || 'The connection failed.' }
  const text = `${reason || 'The connection was closed.'} (${code})`
  const isRefusal = code === 4400 || code === 4401 || code === 4403
  return { reason: text, ...(isRefusal && { refusal: new FeedRefused(text, code) }) }
}

type Shown = { readonly message: string; readonly extensions?: { readonly retryable?: unknown } }

function endOfErrors(errors: readonly Shown[]): End {
  const reason = errors.map(({ message }) => message).join(' ')
  const isWorth = errors.every(({ extensions }) => extensions?.retryable === true)
  return { reason, ...(!isWorth && { refusal: new FeedRefused(reason, null) }) }
}
