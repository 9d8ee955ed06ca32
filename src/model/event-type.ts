import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

/** RESERVED: subscribed to, not published yet. DEPRECATED: published still, not subscribed to. */
export const eventTypeStatusNames = ['ACTIVE', 'RESERVED', 'DEPRECATED'] as const

/** Whether a type may be published and subscribed to. */
export type EventTypeStatus = (typeof eventTypeStatusNames)[number]

/** One entry of the operator's catalogue, which is the same for all workspaces. */
export const EventTypeEntity = defineEntity({
  name: 'EventType',
  tableName: 'event_type',
  properties: {
    id: p.uuid().primary(),
    name: p.text(),
    description: p.text().nullable(),
    status: p.enum(eventTypeStatusNames).nativeEnumName('event_type_status'),
    /** JSON Schema 2020-12 that payloads must fit; null: any payload will do. */
    schema: p.json<unknown>().columnType('json').nullable(),
    example: p.json<unknown>().columnType('json').nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
})

/** An event type, as read. */
export type EventType = InferEntity<typeof EventTypeEntity>
