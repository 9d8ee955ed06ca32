import type { DeliveryStatus, DeliveryTrigger } from '../rules/delivery-state.ts'
import type { AttemptResult } from '../rules/outcome.ts'

/** One change of a delivery's status. Times are ISO 8601 texts. */
export type DeliveryChange = {
  readonly kind: 'DeliveryChange'
  /** Its place in the feed: follow from here to go on behind it. */
  readonly cursor: string
  /** As of this change, even if the delivery has moved on since. */
  readonly status: DeliveryStatus
  /** Null: the delivery was created. */
  readonly previousStatus: DeliveryStatus | null
  readonly changedAt: string
  /** As it is now. */
  readonly delivery: {
    readonly id: string
    readonly eventType: string
    readonly status: DeliveryStatus
    readonly trigger: DeliveryTrigger
    readonly attemptCount: number
    readonly createdAt: string
    readonly nextAttemptAt: string | null
    readonly completedAt: string | null
    readonly endpoint: { readonly id: string }
    readonly event: { readonly id: string }
  }
  /** The attempt that caused the change, if one did. */
  readonly attempt: {
    readonly id: string
    readonly number: number
    readonly result: AttemptResult
    readonly errorMessage: string | null
    readonly startedAt: string
    readonly durationMs: number
  } | null
}

/** What lies between the cursor asked for and this one is to be read from the log by query. */
export type StreamReset = {
  readonly kind: 'StreamReset'
  readonly cursor: string
  readonly reason: string
}

/** What following the feed shows. */
export type FeedItem = DeliveryChange | StreamReset

/** Only a cursor: it says that everything up to here was sent. */
export type StreamCheckpoint = {
  readonly kind: 'StreamCheckpoint'
  readonly cursor: string
}

/** Which changes; see `DeliveryFilter` of the schema. */
export type DeliveryFilter = {
  readonly createdAt?: { readonly since?: string | null; readonly until?: string | null } | null
  readonly endpointIds?: readonly string[] | null
  readonly eventId?: string | null
  readonly eventTypes?: readonly string[] | null
  readonly lastResults?: readonly AttemptResult[] | null
  readonly lastStatusCode?: { readonly min?: number | null; readonly max?: number | null } | null
  readonly statuses?: readonly DeliveryStatus[] | null
  readonly triggers?: readonly DeliveryTrigger[] | null
}

/** What is asked of the server: the fields of the types above. */
export const feedQuery = `subscription ($workspaceId: ID, $filter: DeliveryFilter, $after: String) {
  deliveryChanges(workspaceId: $workspaceId, filter: $filter, after: $after) {
    kind: __typename
    ... on DeliveryChange {
      cursor status previousStatus changedAt
      delivery {
        id eventType status trigger attemptCount createdAt nextAttemptAt completedAt
        endpoint { id } event { id }
      }
      attempt { id number result errorMessage startedAt durationMs }
    }
    ... on StreamCheckpoint { cursor }
    ... on StreamReset { cursor reason }
  }
}`
