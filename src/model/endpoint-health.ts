import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

/** OPEN: nothing is attempted until the next probe. HALF_OPEN: that probe is out. */
export const circuitStateNames = ['CLOSED', 'OPEN', 'HALF_OPEN'] as const

/** What is known of an endpoint. Written by its lane, and by enabling it. No row: nothing yet. */
export const EndpointHealthEntity = defineEntity({
  name: 'EndpointHealth',
  tableName: 'endpoint_health',
  properties: {
    endpointId: p.uuid().primary(),
    workspaceId: p.uuid().primary(),
    consecutiveFailures: p.integer(),
    failingSince: p.datetime(3).nullable(),
    lastSuccessAt: p.datetime(3).nullable(),
    circuit: p.enum(circuitStateNames).nativeEnumName('circuit_state'),
    /** No attempt before this time. */
    parkedUntil: p.datetime(3).nullable(),
  },
})

/** What is known of an endpoint, as read. */
export type EndpointHealth = InferEntity<typeof EndpointHealthEntity>
