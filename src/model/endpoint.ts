import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { wireFormatNames } from '../rules/wire-formats.ts'

const endpointStatusNames = ['ENABLED', 'DISABLED'] as const
const disabledReasonNames = ['MANUAL', 'GONE', 'FAILING'] as const

/** Whether an endpoint gets deliveries. */
export type EndpointStatus = (typeof endpointStatusNames)[number]
/** Why an endpoint was disabled: by a person, by its 410, or after failing for days. */
export type DisabledReason = (typeof disabledReasonNames)[number]

/** One URL of a customer, as stored. A deleted one stays, for the log to point at. */
export const EndpointEntity = defineEntity({
  name: 'Endpoint',
  tableName: 'endpoint',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid().primary(),
    externalId: p.text().nullable(),
    url: p.text(),
    description: p.text().nullable(),
    /** Exact names, prefixes such as `invoice.*`, or exactly `["*"]`. */
    eventTypes: p.array(),
    wireFormat: p.enum(wireFormatNames).nativeEnumName('wire_format'),
    status: p.enum(endpointStatusNames).nativeEnumName('endpoint_status'),
    disabledReason: p.enum(disabledReasonNames).nativeEnumName('disabled_reason').nullable(),
    disabledAt: p.datetime(3).nullable(),
    /** Custom headers as encrypted JSON: a value may be a credential. Null: none. */
    headersSealed: p.blob().nullable(),
    timeoutSeconds: p.integer(),
    /** Seconds before each retry; its length is the number of retries. */
    retrySchedule: p.array(Number, String),
    rateLimitPerSecond: p.integer().nullable(),
    ordered: p.boolean(),
    metadata: p.json<Record<string, unknown>>().columnType('jsonb'),
    /** Raised with every change that matters to delivery; a lane that sees another reads again. */
    version: p.bigint('number'),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    deletedAt: p.datetime(3).nullable(),
  },
})

/** An endpoint, as read. */
export type Endpoint = InferEntity<typeof EndpointEntity>
