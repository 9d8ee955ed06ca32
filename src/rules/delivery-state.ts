import type { Outcome } from './outcome.ts'

export type DeliveryStatus =
  | 'PENDING'
  | 'RETRYING'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'CANCELED'
  | 'SUPPRESSED'

export type DeliveryTrigger = 'EVENT' | 'PING' | 'REPLAY'
export type AttemptTrigger = 'SCHEDULED' | 'MANUAL'

/** What can happen to a delivery. Attempts end in one of the first four. */
export type DeliveryEvent =
  | 'SUCCESS'
  | 'FAILURE' // with retries left
  | 'LAST_FAILURE' // the schedule is used up
  | 'GONE' // the receiver said never again
  | 'RETRY' // by a person
  | 'CANCEL' // by a person, or because the endpoint was deleted

type Waiting = 'UNCHANGED' | DeliveryStatus

/**
 * The whole life of a delivery, every cell decided: a new status or event does not compile until
 * its row or column is filled in. UNCHANGED where the event finds the delivery past caring; an
 * attempt that ends after a cancel is still logged (D5).
 */
const transitions: Record<DeliveryStatus, Record<DeliveryEvent, Waiting>> = {
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
}

/** An ended delivery moves only when a person asks for it (D2). */
function ended(afterRetry: DeliveryStatus): Record<DeliveryEvent, Waiting> {
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
  const next = transitions[status][event]
  return next === 'UNCHANGED' ? status : next
}

/** What an attempt's outcome is to its delivery. 410 ends it at once where the format says so. */
export function eventOf(
  outcome: Outcome,
  context: { retriesLeft: boolean; goneDisables: boolean },
) {
  if (outcome.result === 'SUCCEEDED') return 'SUCCESS'
  if (context.goneDisables && outcome.answer?.statusCode === 410) return 'GONE'
  return context.retriesLeft ? 'FAILURE' : 'LAST_FAILURE'
}
