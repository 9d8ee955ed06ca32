import type { Health } from '../rules/circuit.ts'
import type { AttemptedStatus } from '../rules/delivery-state.ts'
import type { Outcome } from '../rules/outcome.ts'
import type { Signer } from '../rules/signature.ts'
import type { WireFormat } from '../rules/wire-formats.ts'
import type { DueDelivery } from '../store/due.ts'
import type { EventRow } from '../store/publication.ts'

/**
 * The values that stages hand on, in the order of the flow:
 * publish → NewEvent → fan-out → EventRow, DeliveryRow → lane → DueDelivery → send → Sent →
 * Settled → record. Rows that are stored or read as they are have their types in `store/`.
 */

/** One event as asked for. Text and names were checked by the caller's layer. */
export type NewEvent = {
  readonly eventType: string
  /** JSON text, sent byte for byte as it is here. */
  readonly payloadText: string
  readonly idempotencyKey: string | null
  readonly occurredAt: Date | null
  readonly deliverAt: Date | null
}

/** Events that one caller publishes together. */
export type PublishRequest = {
  readonly workspaceId: string
  /** All or nothing. */
  readonly events: readonly NewEvent[]
  /** Whether a refusal points into a list, `events.3.eventType`, or at the one event's fields. */
  readonly isBatch: boolean
  /** Of the span it is part of; null: none. */
  readonly traceparent: string | null
}

/** One event of a system's own, for one endpoint alone: a delivery like any other. */
export type PingRequest = {
  readonly workspaceId: string
  readonly endpointId: string
  readonly eventType: string
  readonly payloadText: string
}

/** `replayed`: the same key and content had been published before; nothing new was created. */
export type PublishedEvent = {
  readonly eventId: string
  /** As this request stored it; null: it was there before. */
  readonly created: EventRow | null
  readonly deliveryCount: number
  readonly replayed: boolean
}

/** An endpoint as its lane needs it, secrets opened. */
export type LaneEndpoint = {
  readonly endpointId: string
  readonly workspaceId: string
  readonly version: string
  readonly url: string
  readonly wireFormat: WireFormat
  /** The host header of its requests. */
  readonly host: string
  /** Null: its secrets or its headers cannot be decrypted. */
  readonly signer: Signer | null
  readonly customHeaders: readonly (readonly [name: string, value: string])[]
  readonly timeoutMs: number
  readonly retrySchedule: readonly number[]
  readonly rateLimitPerSecond: number | null
  readonly ordered: boolean
  readonly state: 'ENABLED' | 'DISABLED' | 'DELETED'
  readonly health: Health
}

/** One request that was made, with its answer. */
export type Sent = {
  readonly due: DueDelivery
  readonly number: number
  readonly url: string
  /** Header lines as sent, `name: value` each. */
  readonly requestHeaders: string
  readonly startedAt: Date
  readonly outcome: Outcome
}

/** An attempt with what follows from it, ready to be recorded. */
export type Settled = Sent & {
  readonly status: AttemptedStatus
  readonly failures: number
  /** When the delivery is due again; null where it has ended. */
  readonly nextAttemptAt: Date | null
  /** The key of its next row in `due`: an ordered delivery keeps its place. */
  readonly nextDueAt: Date | null
  /** The endpoint's health where it is to be stored with this attempt, as of `settledAt`. */
  readonly health: Health | null
  /** Since when its endpoint was down, where this success is the first since; else null. */
  readonly recoveredFrom: Date | null
  readonly settledAt: Date
}
