import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import type { DeliveryStatus } from '../rules/delivery-state.ts'

const replayStatusNames = ['RUNNING', 'COMPLETED', 'CANCELED'] as const

/** Whether a replay still makes deliveries, made all, or was told to stop. */
export type ReplayStatus = (typeof replayStatusNames)[number]

const endedStatuses = [
  'SUCCEEDED',
  'FAILED',
  'CANCELED',
  'SUPPRESSED',
] as const satisfies DeliveryStatus[]

/** Where a delivery has ended: what still waits arrives by itself, and is not replayed. */
export type EndedStatus = (typeof endedStatuses)[number]

/** Every status that a delivery ends in. */
export const allEndedStatuses: readonly EndedStatus[] = endedStatuses

/** A job that makes new deliveries of past events for one endpoint. Its turns are not mapped. */
export const ReplayEntity = defineEntity({
  name: 'Replay',
  tableName: 'replay',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid().primary(),
    endpointId: p.uuid(),
    status: p.enum(replayStatusNames).nativeEnumName('replay_status'),
    /** Events published from here on. */
    since: p.datetime(3),
    /** Events published before. */
    until: p.datetime(3),
    /** Of each event's last delivery to the endpoint. */
    statuses: p.enum(endedStatuses).nativeEnumName('delivery_status').array(),
    /** Exact names; null: any type. */
    eventTypes: p.array().nullable(),
    /** Events the endpoint never got as well. */
    isFull: p.boolean(),
    /** Deliveries to make, as far as they are counted. */
    matched: p.integer(),
    /** Deliveries made. */
    created: p.integer(),
    createdAt: p.datetime(3),
    completedAt: p.datetime(3).nullable(),
    /** Events up to here have been looked at. */
    seenTo: p.uuid(),
    /** Deliveries that the next slice has at most. */
    sliceSize: p.integer(),
    nextTurnAt: p.datetime(3),
  },
})

/** A replay, as read. */
export type Replay = InferEntity<typeof ReplayEntity>
