import type { Outcome } from './outcome.ts'

/**
 * Where a delivery stands. PENDING and RETRYING wait for an attempt, the others are ends, from
 * which a person's retry goes on. SUPPRESSED was not sent, as its endpoint was disabled.
 */
export type DeliveryStatus =
  | 'PENDING'
  | 'RETRYING'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'CANCELED'
  | 'SUPPRESSED'

/** Why there is a delivery. */
export type DeliveryTrigger = 'EVENT' | 'PING' | 'REPLAY'
/** Why there was an attempt: its time had come, or a person asked for it. */
export type AttemptTrigger = 'SCHEDULED' | 'MANUAL'

/** What can happen to a delivery. Attempts end in one of the first four. */
export type DeliveryEvent =
  | 'SUCCESS'
  | 'FAILURE' // with retries left
  | 'LAST_FAILURE' // the schedule is used up
  | 'GONE' // the receiver said never again
  | 'RETRY' // by a person
  | 'CANCEL' // by a person, or because the endpoint was deleted

/** What an attempt can be to its delivery. */
export type AttemptEvent = Exclude<DeliveryEvent, 'RETRY' | 'CANCEL'>

/** What an attempt leaves its delivery in. */
export type AttemptedStatus = Extract<DeliveryStatus, 'RETRYING' | 'SUCCEEDED' | 'FAILED'>

type Next = 'UNCHANGED' | DeliveryStatus

/**
 * The whole life of a delivery, every cell decided: a new status or event does not compile until
 * its row or column is filled in. UNCHANGED where the event finds the delivery past caring; an
 * attempt that ends after a cancel is still logged (D5).
 */
const transitions = {
  PENDING: {
    SUCCESS: 'SUCCEEDED',
    FAILURE: 'RETRYING',
    LAST_FAILURE: 'FAILED',
    GONE: 'FAILED',
    RETRY: 'UNCHANGED',
    CANCEL: 'CANCELED',
  },
  RETRYING: {
    SUCCESS: 'SUCCEEDED',
    FAILURE: 'RETRYING',
    LAST_FAILURE: 'FAILED',
    GONE: 'FAILED',
    RETRY: 'RETRYING',
    CANCEL: 'CANCELED',
  },
  SUCCEEDED: ended('RETRYING'),
  FAILED: ended('RETRYING'),
  CANCELED: ended('RETRYING'),
  SUPPRESSED: ended('PENDING'),
} satisfies Record<DeliveryStatus, Record<DeliveryEvent, Next>>

/** An ended delivery moves only when a person asks for it (D2). */
function ended(afterRetry: DeliveryStatus): Record<DeliveryEvent, Next> {
  return {
    SUCCESS: 'UNCHANGED',
    FAILURE: 'UNCHANGED',
    LAST_FAILURE: 'UNCHANGED',
    GONE: 'UNCHANGED',
    RETRY: afterRetry,
    CANCEL: 'UNCHANGED',
  }
}

/** The status after `event`. A retried delivery that was never attempted is PENDING again. */
export function nextStatus(status: DeliveryStatus, event: DeliveryEvent): DeliveryStatus {
  const next: Next = transitions[status][event]
  return next === 'UNCHANGED' ? status : next
}

/** The same for an attempt: a cell that leads elsewhere does not compile. */
export function statusAfterAttempt(
  status: 'PENDING' | 'RETRYING',
  event: AttemptEvent,
): AttemptedStatus {
  return transitions[status][event]
}

/** What an attempt's outcome is to its delivery. 410 ends it at once where the format says so. */
export function eventOf(
  outcome: Outcome,
  context: { retriesLeft: boolean; goneDisables: boolean },
): AttemptEvent {
  if (outcome.result === 'SUCCEEDED') return 'SUCCESS'
  if (context.goneDisables && outcome.answer?.statusCode === 410) return 'GONE'
  return context.retriesLeft ? 'FAILURE' : 'LAST_FAILURE'
}
