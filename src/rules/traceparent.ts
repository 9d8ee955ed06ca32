/** A span of another program, or of another process of this one (W3C Trace Context). */
export type SpanPlace = {
  /** 32 hexadecimal digits, the same for all spans of a trace. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
  /** Whether its trace is recorded. */
  readonly isSampled: boolean
}

/** What a `traceparent` header says; undefined where it is none (section 3.2), and then ignored. */
export function readTraceparent(text: string): SpanPlace | undefined {
  const parts = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/.exec(text)
  if (!parts) return undefined
  const [, version, traceId = '', spanId = '', flags = '', more] = parts
  // Later versions may have more fields, the present one has none.
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** The header of a span, in the present version. */
export function writeTraceparent({ traceId, spanId, isSampled }: SpanPlace): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
}
