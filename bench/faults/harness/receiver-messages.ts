/** How an endpoint answers from now on. */
export type Script = {
  readonly status: number
  readonly afterMs: number
  readonly headers?: Readonly<Record<string, string>>
  /** Of each event the first so many requests are answered with 500 instead. */
  readonly failFirst?: number
  /** Takes requests and never answers. */
  readonly isSilent?: boolean
}

/** One request, as its receiver saw it. Times are of the machine's monotonic clock. */
export type Arrival = {
  /** The endpoint's number: the path of its URL. */
  readonly endpoint: number
  readonly webhookId: string
  readonly arrivedMs: number
  /** When its answer was handed to the system, or its sender went away. */
  readonly endedMs: number
  /** Its body came to its end. */
  readonly isWhole: boolean
  readonly sha256: string
  readonly isSigned: boolean
  /** 0: it got no answer. */
  readonly status: number
}

/** To the receivers' process. */
export type Order =
  | { readonly kind: 'endpoint'; readonly number: number; readonly secret: string }
  | { readonly kind: 'script'; readonly numbers: readonly number[] | null; readonly script: Script }
  | { readonly kind: 'flush'; readonly number: number }

/** From the receivers' process. */
export type Report =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'seen'; readonly arrivals: readonly Arrival[]; readonly open: number }
  | { readonly kind: 'flushed'; readonly number: number }
