import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import type { IdPrefix } from '../rules/id.ts'

/** Everything that is worth an entry, with the kind of its target. A new one is added here. */
export const auditActions = {
  WORKSPACE_CREATED: 'ws',
  WORKSPACE_UPDATED: 'ws',
  WORKSPACE_DELETED: 'ws',
  API_KEY_CREATED: 'key',
  API_KEY_REVOKED: 'key',
  EVENT_TYPE_CREATED: 'evtype',
  EVENT_TYPE_UPDATED: 'evtype',
  ENDPOINT_CREATED: 'wh',
  ENDPOINT_UPDATED: 'wh',
  ENDPOINT_ENABLED: 'wh',
  ENDPOINT_DISABLED: 'wh',
  ENDPOINT_DELETED: 'wh',
  ENDPOINT_SECRET_ROTATED: 'wh',
  EVENT_PAYLOAD_PURGED: 'evt',
  REPLAY_STARTED: 'rpl',
  REPLAY_CANCELED: 'rpl',
} as const satisfies Readonly<Record<string, IdPrefix>>

/** What was done. */
export type AuditAction = keyof typeof auditActions

/** Whose doing it was: a workspace's key, a key of the operator, or the program itself. */
export const actorTypeNames = ['API_KEY', 'OPERATOR', 'SYSTEM'] as const

/** See {@link actorTypeNames}. */
export type ActorType = (typeof actorTypeNames)[number]

/** Who asks for a change. */
export type Actor = {
  readonly type: ActorType
  /** Null: the operator key of the configuration, or the program itself. */
  readonly apiKeyId: string | null
  /** The key's name at that time. */
  readonly apiKeyName: string | null
}

/** The program itself: nobody asked for it. */
export const systemActor: Actor = { type: 'SYSTEM', apiKeyId: null, apiKeyName: null }

/** One change that was made. When is in its id. */
export const AuditEntryEntity = defineEntity({
  name: 'AuditEntry',
  tableName: 'audit_entry',
  properties: {
    id: p.uuid().primary(),
    /** Null: the operator's own, such as the catalogue. */
    workspaceId: p.uuid().nullable(),
    action: p.text().$type<AuditAction>(),
    targetId: p.uuid(),
    actor: p.enum(actorTypeNames).nativeEnumName('audit_actor'),
    apiKeyId: p.uuid().nullable(),
    apiKeyName: p.text().nullable(),
    /** The fields that changed; null: there was nothing before. */
    before: p.json<unknown>().columnType('json').nullable(),
    /** The same fields; null: there is nothing after. */
    after: p.json<unknown>().columnType('json').nullable(),
  },
})

/** An entry of the audit log, as read. */
export type AuditEntry = InferEntity<typeof AuditEntryEntity>
