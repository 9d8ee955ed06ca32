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
}

/** One connection's share of the feed. */
export type Visit = {
  /** The next item; undefined: the connection has ended. Throws `FeedRefused`. */
  readonly next: () => Promise<FeedItem | StreamCheckpoint | undefined>
  readonly leave: () => void
  /** When the connection has ended, whether its items were read or not. */
  readonly ended: Promise<void>
}

/** Two checkpoints and a little: who hears nothing for so long is not connected any more. */
const silenceMsMax = 40_000
/**
 * Items that wait for a slow reader. Beyond, it hangs up, and comes back when it has read these:
 * the feed waits in the database, not in memory.
 */
const itemsMax = 1_000

type State = {
  end: { readonly error?: Error } | undefined
  wake: () => void
}

/** Connects once and follows from `after` until the connection ends. */
export function openVisit(options: VisitOptions, after: string | null): Visit {
  const { key, workspaceId = null, filter = null } = options
  const items: (FeedItem | StreamCheckpoint)[] = []
  const state: State = { end: undefined, wake: () => {} }
  const ended = Promise.withResolvers<void>()
  const client = createClient({
    url: options.url.replace(/^http/, 'ws'),
    connectionParams: { Authorization: `Bearer ${key}` },
    retryAttempts: 0,
  })
  let watchdog = setTimeout(leave, silenceMsMax)

  function finish(error?: Error): void {
    state.end ??= error ? { error } : {}
    clearTimeout(watchdog)
    ended.resolve()
    state.wake()
  }

  function leave(): void {
    finish()
    client.terminate()
    void client.dispose()
  }

  client.subscribe<{ deliveryChanges: FeedItem | StreamCheckpoint }>(
    { query: feedQuery, variables: { workspaceId, filter, after } },
    {
      next: ({ data, errors }) => {
        if (state.end) return
        if (errors) finish(errorOf(errors))
        if (data) items.push(data.deliveryChanges)
        clearTimeout(watchdog)
        watchdog = setTimeout(leave, silenceMsMax)
        state.wake()
        if (items.length >= itemsMax) leave()
      },
      error: (error) => finish(errorOf(error)),
      complete: () => finish(),
    },
  )
  return {
    leave,
    ended: ended.promise,
    next: async () => {
      while (items.length === 0 && !state.end) {
        await new Promise<void>((resolve) => (state.wake = resolve))
      }
      const item = items.shift()
      if (!item && state.end?.error) throw state.end.error
      return item
    },
  }
}

/** Undefined: it is worth coming back. */
function errorOf(error: unknown): Error | undefined {
  if (Array.isArray(error)) return refusalOf(error)
  const { code, reason } = error as { code?: unknown; reason?: unknown }
  const isRefusal = code === 4400 || code === 4401 || code === 4403
  return isRefusal ? new FeedRefused(`${String(reason)} (${code})`, code) : undefined
}

type Shown = { readonly message: string; readonly extensions?: { readonly retryable?: unknown } }

function refusalOf(errors: readonly Shown[]): FeedRefused | undefined {
  const worth = errors.every(({ extensions }) => extensions?.retryable === true)
  return worth ? undefined : new FeedRefused(errors.map(({ message }) => message).join(' '), null)
}
