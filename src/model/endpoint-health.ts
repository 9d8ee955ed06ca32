import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import type { CircuitState } from '../rules/circuit.ts'

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
    circuit: p
      .enum(['CLOSED', 'OPEN', 'HALF_OPEN'] satisfies CircuitState[])
      .nativeEnumName('circuit_state'),
    /** No attempt before this time. */
    parkedUntil: p.datetime(3).nullable(),
  },
})

/** What is known of an endpoint, as read. */
export type EndpointHealth = InferEntity<typeof EndpointHealthEntity>
