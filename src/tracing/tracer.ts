/** What is known when a span begins. Never a payload, a secret, or a URL's path. */
export type SpanStart = {
  readonly name: string
  /** PRODUCER hands work to the queue, CLIENT asks another server. */
  readonly kind: 'PRODUCER' | 'CLIENT'
  /** The `traceparent` of the span it is part of; null: it begins a trace. */
  readonly parent: string | null
  readonly startedAt: Date
  readonly attributes: Readonly<Record<string, string | number>>
}

/** What is known when it ends. */
export type SpanEnd = {
  readonly endedAt: Date
  readonly attributes: Readonly<Record<string, string | number>>
  /** Why it failed, in words; null: it did not. */
  readonly error: string | null
}

/** A span that has begun. */
export type Span = {
  /** For the spans that are part of it, here or in the receiver. */
  readonly traceparent: string
  readonly end: (end: SpanEnd) => void
}

/** Tells a collector of traces what the program does. Disposing it sends what is left. */
export type Tracer = AsyncDisposable & { readonly start: (start: SpanStart) => Span }

/** Where traces go, as the standard variables of OpenTelemetry say. */
export type TracingConfig = {
  /** Takes OTLP over HTTP, as JSON; with its path. */
  readonly url: string
  readonly serviceName: string
  /** The share of traces that is recorded, 0 to 1, where no caller has decided. */
  readonly ratio: number
  /** Whether the decision of a caller counts. */
  readonly followsParent: boolean
}
