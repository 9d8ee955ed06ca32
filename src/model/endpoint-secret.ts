import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

/** One signing secret of an endpoint, encrypted. */
export const EndpointSecretEntity = defineEntity({
  name: 'EndpointSecret',
  tableName: 'endpoint_secret',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid().primary(),
    endpointId: p.uuid(),
    secretSealed: p.blob(),
    createdAt: p.datetime(3),
    /** Null: the current one. Otherwise it signs beside the current one until then. */
    expiresAt: p.datetime(3).nullable(),
  },
})

/** A signing secret, as read. */
export type EndpointSecret = InferEntity<typeof EndpointSecretEntity>
