import { payloadBytesMax, payloadDepthMax } from '../limits.ts'
import { scanJson } from './json-text.ts'
import { checkJsonValue } from './json-value.ts'

/**
 * What keeps a text from being a payload; undefined means it travels byte for byte. Any JSON is
 * accepted as it is written: big numbers, double keys, odd space and escapes. Nesting alone is
 * bounded, at `payloadDepthMax`: a payload is read again to be validated and to be shown, and both
 * `JSON.stringify` and a recursive schema overflow the stack between 4,000 and 5,000 levels.
 */
export function checkPayloadText(text: string): string | undefined {
  const bytes = Buffer.byteLength(text)
  if (bytes > payloadBytesMax) return `${bytes} bytes, limit ${payloadBytesMax}.`
  if (!text.isWellFormed()) return `not valid Unicode (position ${text.search(/\p{Cs}/u)}).`
  const scan = scanJson(text)
  if (!scan.valid) return notJson(text, scan.position)
  if (scan.depth <= payloadDepthMax) return undefined
  return `nested ${scan.depth} levels deep, limit ${payloadDepthMax}.`
}

/** A payload as text, or why it is none. */
export type SerialisedPayload =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string }

/**
 * The text of a payload that was given as a JSON value. What such a value has already lost (see
 * `lossyNumbers`) cannot be seen here; a number that JSON has no way to write is refused.
 */
export function serialisePayload(value: unknown): SerialisedPayload {
  const problem = checkJsonValue(value, { depthMax: payloadDepthMax })
  if (problem) return { ok: false, message: problem }
  const text = JSON.stringify(value)
  const message = checkPayloadText(text)
  return message === undefined ? { ok: true, text } : { ok: false, message }
}

function notJson(text: string, position: number): string {
  const marked = text.startsWith('\u{feff}') ? ': a byte order mark' : ''
  return `not valid JSON (position ${position}${marked}).`
}
