/** How one request ended. HTTP_ERROR is any answer that is not 2xx: redirects are not followed. */
export type AttemptResult =
  | 'SUCCEEDED'
  | 'HTTP_ERROR'
  | 'TIMEOUT'
  | 'DNS_ERROR'
  | 'CONNECTION_ERROR'
  | 'TLS_ERROR'
  | 'ADDRESS_NOT_ALLOWED'

/** One line of a header as it came; a name may come several times. */
export type HeaderLine = readonly [name: string, value: string]

/** What came back. Kept even where the exchange then failed, if a status line was read. */
export type Answer = {
  readonly statusCode: number
  readonly headers: readonly HeaderLine[]
  /** The first bytes of the body as received, never decompressed. */
  readonly body: Buffer
  readonly bodyTruncated: boolean
}

/** One request and its end. Outcomes are values: nothing a receiver does is an exception here. */
export type Outcome = {
  readonly result: AttemptResult
  /** Why it was no success, in words for the endpoint's owner; null for a success. */
  readonly errorMessage: string | null
  readonly durationMs: number
  readonly answer: Answer | null
}

/** A 2xx status is a success whatever follows it; everything else is HTTP_ERROR. */
export function resultOfStatus(statusCode: number): AttemptResult {
  return statusCode >= 200 && statusCode < 300 ? 'SUCCEEDED' : 'HTTP_ERROR'
}

/** Why an answer that is not 2xx is no success, in words for the endpoint's owner. */
export function messageOfStatus(statusCode: number): string {
  const isRedirect = statusCode >= 300 && statusCode < 400
  return isRedirect ? `HTTP ${statusCode}: redirects are not followed` : `HTTP ${statusCode}`
}
