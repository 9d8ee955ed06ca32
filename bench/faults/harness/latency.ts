import type { Entry } from './ledger.ts'
import type { Arrival } from './receiver-messages.ts'

/** The value that `share` of the values do not pass; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

/** 0 of none. */
export const largest = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), 0)

/** From the publisher's first try to its `ok`, in ms. */
export function publishLatencies(entries: readonly Entry[]): number[] {
  return entries.flatMap(({ replies, eventId }) => {
    const [first] = replies
    const last = replies.at(-1)
    return eventId && first && last ? [last.repliedMs - first.sentMs] : []
  })
}

/** From the publisher's first try to the first arrival, one for each event and endpoint, in ms. */
export function deliveryLatencies(
  entries: readonly Entry[],
  arrivals: readonly Arrival[],
): number[] {
  const firsts = new Map<string, number>()
  for (const { webhookId, endpoint, arrivedMs } of arrivals) {
    const key = `${webhookId} ${endpoint}`
    firsts.set(key, Math.min(arrivedMs, firsts.get(key) ?? Infinity))
  }
  return entries.flatMap(({ eventId, targets, replies }) => {
    const sentMs = replies[0]?.sentMs ?? 0
    return targets.flatMap((endpoint) => {
      const arrivedMs = firsts.get(`${eventId} ${endpoint}`)
      return arrivedMs === undefined ? [] : [arrivedMs - sentMs]
    })
  })
}

/** An answer that came within so many ms may not have been stored yet. */
const storedMsMax = 300

/** Requests that were under way at a moment, or answered just before it. */
export function underWayAt(arrivals: readonly Arrival[], atMs: number): Arrival[] {
  return arrivals.filter(({ arrivedMs, endedMs }) => {
    return arrivedMs <= atMs && endedMs >= atMs - storedMsMax
  })
}

/** For each endpoint with a later request, how long after a moment the next one came, in ms. */
export function gapsAfter(
  arrivals: readonly Arrival[],
  endpoints: readonly number[],
  atMs: number,
): number[] {
  return endpoints.flatMap((endpoint) => {
    const later = arrivals.filter((one) => one.endpoint === endpoint && one.arrivedMs > atMs)
    return later.length === 0 ? [] : [Math.min(...later.map(({ arrivedMs }) => arrivedMs)) - atMs]
  })
}

export function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}
