import { retryAfterSecondsMax } from '../limits.ts'

/**
 * How long a receiver asks to be left alone (RFC 9110 section 10.2.3), in milliseconds, at most
 * `retryAfterSecondsMax`. Undefined where it asks for nothing, for the past, or unintelligibly.
 */
export function readRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? ''
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : readHttpDate(text, nowMs) - nowMs
  return waitMs >= 0 ? Math.min(waitMs, retryAfterSecondsMax * 1000) : undefined
}

/** Second 60 is a leap second. */
const time = String.raw`(?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d):(?<second>[0-5]\d|60)`

/** The three forms a recipient must accept (RFC 9110 section 5.6.7). */
const forms = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  String.raw`[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) ${time} GMT`,
  // Sunday, 06-Nov-94 08:49:37 GMT
  String.raw`[A-Z][a-z]{5,8}, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) ${time} GMT`,
  // Sun Nov  6 08:49:37 1994
  String.raw`[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) ${time} (?<year>\d{4})`,
].map((form) => new RegExp(`^${form}$`))

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** NaN where the text is no date: not `Date.parse`, which reads dates into nearly any text. */
function readHttpDate(text: string, nowMs: number): number {
  const found = forms.map((form) => form.exec(text)?.groups).find((groups) => groups)
  if (!found) return NaN
  const { year = '', month = '', day, hour, minute, second } = found
  const fullYear = year.length === 2 ? withCentury(Number(year), nowMs) : Number(year)
  const monthIndex = months.indexOf(month)
  const date = new Date(0)
  date.setUTCFullYear(fullYear, monthIndex, Number(day))
  // A day that its month does not have falls into another month, and so does an unknown month.
  if (date.getUTCMonth() !== monthIndex) return NaN
  return date.setUTCHours(Number(hour), Number(minute), Number(second))
}

/** The last year with these two digits that is no more than 50 years ahead (same section). */
function withCentury(year: number, nowMs: number): number {
  const yearMax = new Date(nowMs).getUTCFullYear() + 50
  return yearMax - ((yearMax - year) % 100)
}
