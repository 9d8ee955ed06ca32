import type { Caller } from '../caller.ts'
import type { ActingServices } from '../services.ts'
import type { Loaders } from './loaders.ts'

/** What every resolver gets. One for each request, or for each event of a subscription. */
export type Context = {
  readonly caller: Caller
  /** Shown to the caller with every error, and in every log line of the request. */
  readonly requestId: string
  readonly services: ActingServices
  readonly loaders: Loaders
  /** The request's body as it came, to see numbers as they were written. Empty over a socket. */
  readonly bodyText: string
  /** Of the caller's span; null: there is none. */
  readonly traceparent: string | null
  /** Where a stream goes on that was broken off, as its client says; it replaces `after`. */
  readonly lastEventId?: string
}
