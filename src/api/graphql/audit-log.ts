import {
  type ActorType,
  type AuditAction,
  auditActions,
  type AuditEntry,
} from '../../model/audit-entry.ts'
import { publicId, readPublicId, uuidOf, uuidTime } from '../../rules/id.ts'
import { type AuditFilter, listAuditEntries } from '../../store/audit-entry.ts'
import { builder } from './builder.ts'
import { loadConnection } from './connection.ts'
import { connectionType } from './connection-type.ts'
import type { Context } from './context.ts'
import { readDateTimeRange } from './date-time-range.ts'
import { valuesOf } from './enum-values.ts'
import { AuditLogEntryRef } from './refs.ts'
import { workspaceMeant } from './tenant.ts'

const AuditActionEnum = builder.enumType('AuditAction', {
  description: 'What was done.',
  values: valuesOf<AuditAction>({
    WORKSPACE_CREATED: 'A workspace was created.',
    WORKSPACE_UPDATED: 'A workspace was changed.',
    WORKSPACE_DELETED: 'A workspace was deleted, with everything in it.',
    API_KEY_CREATED: 'A key was created.',
    API_KEY_REVOKED: 'A key was revoked.',
    EVENT_TYPE_CREATED: 'An event type was added to the catalogue.',
    EVENT_TYPE_UPDATED: 'An event type of the catalogue was changed.',
    ENDPOINT_CREATED: 'An endpoint was created.',
    ENDPOINT_UPDATED: 'An endpoint was changed.',
    ENDPOINT_ENABLED: 'An endpoint was enabled.',
    ENDPOINT_DISABLED:
      'An endpoint was disabled: by a person, or by the system after a 410 or days of failures.',
    ENDPOINT_DELETED: 'An endpoint was deleted, with its secrets.',
    ENDPOINT_SECRET_ROTATED: 'An endpoint was given a new secret.',
    EVENT_PAYLOAD_PURGED: 'The payload of an event was removed.',
    REPLAY_STARTED: 'A replay was begun.',
    REPLAY_CANCELED: 'A replay was ended by a person.',
  }),
})

const AuditActorTypeEnum = builder.enumType('AuditActorType', {
  description: 'Whose doing a change was.',
  values: valuesOf<ActorType>({
    API_KEY: 'A key of the workspace.',
    OPERATOR: 'A key of the operator, or the operator key of the configuration.',
    SYSTEM: 'Nobody asked: the program did it by itself.',
  }),
})

const AuditActorRef = builder.objectRef<AuditEntry>('AuditActor').implement({
  description: 'Who made a change.',
  fields: (t) => ({
    type: t.field({
      type: AuditActorTypeEnum,
      description: 'Whose doing it was.',
      resolve: ({ actor }) => actor,
    }),
    apiKeyId: t.id({
      nullable: true,
      description:
        'The key that was used. Null for the operator key of the configuration, for the system, ' +
        'and for a key of the operator when a workspace asks.',
      resolve: (entry, _args, context) => {
        return entry.apiKeyId && mayKnowKey(entry, context) ? publicId('key', entry.apiKeyId) : null
      },
    }),
    apiKeyName: t.string({
      nullable: true,
      description: 'What that key was called then; null as `apiKeyId` is.',
      resolve: (entry, _args, context) => {
        return mayKnowKey(entry, context) ? (entry.apiKeyName ?? null) : null
      },
    }),
  }),
})

/** The keys of the operator are the operator's business. */
function mayKnowKey({ actor }: AuditEntry, { caller }: Context): boolean {
  return caller.workspaceId === null || actor === 'API_KEY'
}

builder.node(AuditLogEntryRef, {
  id: { resolve: ({ id }) => publicId('aud', id) },
  loadOne: (id, { loaders }) => {
    const uuid = uuidOf('aud', id)
    return uuid === undefined ? null : loaders.auditEntry.load(uuid)
  },
  authScopes: { manage: true },
  description: 'One change that was made, by whom and when. Entries never change.',
  fields: (t) => ({
    action: t.expose('action', { type: AuditActionEnum, description: 'What was done.' }),
    actor: t.field({
      type: AuditActorRef,
      description: 'Who did it.',
      resolve: (entry) => entry,
    }),
    workspaceId: t.id({
      nullable: true,
      description: 'The workspace it was done in; null for the catalogue and operator keys.',
      resolve: ({ workspaceId }) => (workspaceId ? publicId('ws', workspaceId) : null),
    }),
    targetId: t.id({
      description: 'What it was done to, which may be gone by now.',
      resolve: ({ action, targetId }) => publicId(auditActions[action], targetId),
    }),
    before: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'The fields that changed, as they were, with secrets redacted; null where there was ' +
        'nothing before.',
      resolve: ({ before }) => before,
    }),
    after: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The same fields as they became; null where there is nothing after.',
      resolve: ({ after }) => after,
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was done.',
      resolve: ({ id }) => new Date(uuidTime(id)),
    }),
  }),
})

const AuditLogFilterInput = builder.inputType('AuditLogFilter', {
  description:
    'Which entries. All conditions that are given hold together; an id that names nothing fits ' +
    'nothing.',
  fields: (t) => ({
    actions: t.field({ type: [AuditActionEnum], description: 'One of these was done.' }),
    targetId: t.id({ description: 'Done to this: any id of the kinds that entries are about.' }),
    apiKeyId: t.id({ description: 'Done with this key.' }),
    since: t.field({ type: 'DateTime', description: 'The first moment that is meant.' }),
    until: t.field({ type: 'DateTime', description: 'The first moment that is not any more.' }),
  }),
})

type GivenFilter = typeof AuditLogFilterInput.$inferInput

function readFilter(given: GivenFilter | null | undefined): AuditFilter {
  const { targetId, apiKeyId } = given ?? {}
  return {
    actions: given?.actions ?? null,
    targetId: targetId ? (readPublicId(targetId)?.uuid ?? noSuchId) : null,
    apiKeyId: apiKeyId ? (uuidOf('key', apiKeyId) ?? noSuchId) : null,
    ...readDateTimeRange(given, ['filter']),
  }
}

/** Names nothing, as a malformed id does. */
const noSuchId = '00000000-0000-0000-0000-000000000000'

const AuditLogConnection = connectionType({
  node: AuditLogEntryRef,
  name: 'AuditLogEntry',
  many: 'entries of the audit log',
})

builder.queryField('auditLog', (t) =>
  t.field({
    type: AuditLogConnection,
    authScopes: { manage: true },
    description: 'Who changed what and when, newest first. Entries are kept for a year.',
    args: {
      workspaceId: t.arg.id({
        description: "Left out, the key's own; with an operator key all, and the catalogue too.",
      }),
      filter: t.arg({ type: AuditLogFilterInput, description: 'Which; all unless given.' }),
      ...t.arg.connectionArgs(),
    },
    resolve: async (_root, { workspaceId: given, filter, ...args }, context) => {
      const { cursors, database } = context.services
      const workspaceId = await auditedWorkspace(context, given)
      const selection = { workspaceId, filter: readFilter(filter) }
      const request = { args, cursors, scope: { list: 'auditLog', workspaceId, filter } }
      const em = database.orm.em.fork()
      return loadConnection(request, (slice) => listAuditEntries(em, selection, slice))
    },
  }),
)

/** Null: all of them. The operator may also name a workspace that is gone: its entries are not. */
async function auditedWorkspace(context: Context, given: string | null | undefined) {
  if (context.caller.workspaceId !== null) return workspaceMeant(context, given)
  if (given === null || given === undefined) return null
  return uuidOf('ws', given) ?? noSuchId
}
