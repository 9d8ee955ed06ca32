import { exactly, noted, type Finding } from './findings.ts'
import { sum } from './latency.ts'
import type { Entry } from './ledger.ts'
import type { Arrival } from './receiver-messages.ts'
import type { Stored, StoredDelivery } from './stored.ts'

/** A time in which a fault may have kept results from being stored. */
export type Disturbance = { readonly fromMs: number; readonly untilMs: number }

/** An endpoint answered the same event with 2xx once more. */
export type Duplicate = { readonly earlier: Arrival; readonly again: Arrival }

/** What became of all that was accepted. All counts but `accepted` must be 0. */
export type Verdict = {
  readonly accepted: number
  /** Pairs of event and endpoint without any 2xx. */
  readonly lost: number
  /** Requests, or stored events, that no accepted event accounts for. */
  readonly phantom: number
  /** Requests whose bytes are not those that were published, or whose signature is wrong. */
  readonly corrupt: number
  /** Deliveries that still wait, though everything has come to rest. */
  readonly stuck: number
  /** Deliveries whose status or count of attempts is not what the receiver saw. */
  readonly misjudged: number
  /** Pairs of accepted event and endpoint without exactly one delivery. */
  readonly incomplete: number
  readonly duplicates: readonly Duplicate[]
  /** Pairs whose receiver gave more answers than attempts are in the log. */
  readonly unrecorded: readonly Unrecorded[]
}

/** `count` of these answers are in no log. */
export type Unrecorded = { readonly answers: readonly Arrival[]; readonly count: number }

export type Evidence = {
  readonly entries: readonly Entry[]
  readonly arrivals: readonly Arrival[]
  readonly stored: Stored
  /** The number of the endpoint with this public id. */
  readonly numberOf: (endpointId: string) => number
}

/** Compares what was promised, what arrived and what is stored, pair by pair. */
export function judge({ entries, arrivals, stored, numberOf }: Evidence): Verdict {
  const accepted = new Map(entries.flatMap((one) => (one.eventId ? [[one.eventId, one]] : [])))
  const arrived = Map.groupBy(arrivals, ({ endpoint, webhookId }) => pairKey(webhookId, endpoint))
  const kept = Map.groupBy(stored.deliveries, ({ eventId, endpointId }) => {
    return pairKey(eventId, numberOf(endpointId))
  })
  const pairs = [...accepted].flatMap(([eventId, { targets }]) => {
    return targets.map((endpoint) => {
      const key = pairKey(eventId, endpoint)
      const own = arrived.get(key) ?? []
      return { arrivals: own, successes: successesOf(own), deliveries: kept.get(key) ?? [] }
    })
  })
  const isExpected = (eventId: string, endpoint: number) => {
    return accepted.get(eventId)?.targets.includes(endpoint) ?? false
  }
  return {
    accepted: accepted.size,
    lost: count(pairs, ({ successes }) => successes.length === 0),
    phantom:
      count(arrivals, ({ webhookId, endpoint }) => !isExpected(webhookId, endpoint)) +
      count(stored.eventIds, (eventId) => !accepted.has(eventId)),
    corrupt: count(arrivals, (arrival) => isCorrupt(arrival, accepted.get(arrival.webhookId))),
    stuck: count(stored.deliveries, isWaiting),
    misjudged: count(pairs, isMisjudged),
    incomplete: count(pairs, ({ deliveries }) => deliveries.length !== 1),
    duplicates: pairs.flatMap(({ successes }) => duplicatesOf(successes)),
    unrecorded: pairs.flatMap(unrecordedOf),
  }
}

/** The same rows in every experiment's table. */
export function verdictFindings(verdict: Verdict): Finding[] {
  const { accepted, duplicates, unrecorded, ...faults } = verdict
  const zeros = Object.entries(faults).map(([name, value]) => exactly(name, value, 0))
  return [
    noted('accepted', accepted),
    ...zeros,
    noted('dup', duplicates.length),
    noted('unrecorded', unrecorded.length),
  ]
}

/** Its answer came, but whether it was stored is open for as long. */
const recordMsMax = 1_500

/**
 * At least once is the promise: an event is sent twice, and an answer is in no log, only where a
 * fault fell on the request: it was under way, or just answered.
 */
export function excuseFindings(
  { duplicates, unrecorded }: Verdict,
  disturbances: readonly Disturbance[],
): Finding[] {
  const isExcused = ({ arrivedMs, endedMs }: Arrival) => {
    return disturbances.some(({ fromMs, untilMs }) => {
      return arrivedMs <= untilMs && endedMs >= fromMs - recordMsMax
    })
  }
  const missing = unrecorded.map((one) => Math.max(0, one.count - count(one.answers, isExcused)))
  return [
    exactly(
      'dup without excuse',
      count(duplicates, ({ earlier }) => !isExcused(earlier)),
      0,
    ),
    exactly('unrecorded without excuse', sum(missing), 0),
  ]
}

type Pair = {
  readonly arrivals: readonly Arrival[]
  readonly successes: readonly Arrival[]
  readonly deliveries: readonly StoredDelivery[]
}

const pairKey = (eventId: string, endpoint: number) => `${eventId} ${endpoint}`

function count<T>(list: readonly T[], test: (item: T) => boolean): number {
  return list.reduce((sum, item) => sum + (test(item) ? 1 : 0), 0)
}

/** Oldest first. */
function successesOf(arrivals: readonly Arrival[]): Arrival[] {
  const successes = arrivals.filter(({ status }) => status >= 200 && status < 300)
  return successes.sort((a, b) => a.arrivedMs - b.arrivedMs)
}

function duplicatesOf(successes: readonly Arrival[]): Duplicate[] {
  return successes.slice(1).map((again, index) => ({ earlier: successes[index] ?? again, again }))
}

function unrecordedOf({ arrivals, deliveries }: Pair): Unrecorded[] {
  const answers = arrivals.filter(({ status }) => status > 0)
  const attempts = sum(deliveries.map((delivery) => delivery.attempts))
  return answers.length > attempts ? [{ answers, count: answers.length - attempts }] : []
}

function isCorrupt(arrival: Arrival, entry: Entry | undefined): boolean {
  if (!arrival.isWhole || !entry) return false
  return !arrival.isSigned || arrival.sha256 !== entry.sha256
}

function isWaiting({ status, isDue }: StoredDelivery): boolean {
  return isDue || status === 'PENDING' || status === 'RETRYING'
}

function isMisjudged({ successes, deliveries }: Pair): boolean {
  return deliveries.some(({ status, attemptCount, attempts }) => {
    return (status === 'SUCCEEDED') !== successes.length > 0 || attemptCount !== attempts
  })
}
