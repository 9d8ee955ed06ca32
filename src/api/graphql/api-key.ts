import { createApiKey, revokeApiKey, type CreatedApiKey } from '../../control/api-keys.ts'
import { notFound } from '../../errors.ts'
import type { ApiKey } from '../../model/api-key.ts'
import { publicId, uuidOf } from '../../rules/id.ts'
import { countApiKeys, listApiKeys } from '../../store/api-key.ts'
import { builder } from './builder.ts'
import { loadConnection } from './connection.ts'
import { countedConnectionType } from './connection-type.ts'
import type { Context } from './context.ts'
import { valuesOf } from './enum-values.ts'
import { NotFoundError, ValidationError } from './errors.ts'
import { addMutation } from './mutation.ts'
import { ApiKeyRef, WorkspaceRef } from './refs.ts'
import { workspaceMeant } from './tenant.ts'

/** What a key may do. */
export const ScopeEnum = builder.enumType('Scope', {
  description: 'What a key may do.',
  values: valuesOf({
    OPERATOR: 'Everything in every workspace; workspaces, keys and event types themselves.',
    MANAGE: 'Endpoints, secrets, retries and replays of one workspace; and READ.',
    PUBLISH: 'Publish events into one workspace.',
    READ: 'Endpoints, events, deliveries and subscriptions of one workspace.',
  }),
})

builder.node(ApiKeyRef, {
  id: { resolve: ({ id }) => publicId('key', id) },
  loadOne: async (id, { caller, loaders }) => {
    const uuid = uuidOf('key', id)
    if (uuid === undefined) return null
    // Keys are the operator's business; any key may know itself.
    const mayKnow = caller.workspaceId === null || uuid === caller.keyId
    return mayKnow ? loaders.apiKey.load(uuid) : null
  },
  description: 'A key to this API. Its text is shown once, when it is created.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What it is for.' }),
    scopes: t.field({
      type: [ScopeEnum],
      description: 'What it may do.',
      resolve: ({ scopes }) => scopes,
    }),
    workspace: t.field({
      type: WorkspaceRef,
      nullable: true,
      description: 'The workspace it opens; null for an operator key.',
      resolve: ({ workspaceId }, _args, { loaders }) =>
        workspaceId ? loaders.workspace.load(workspaceId) : null,
    }),
    prefix: t.exposeString('prefix', {
      description: 'The first characters of its text, to recognise it by.',
    }),
    rateLimitPerMinute: t.exposeInt('rateLimitPerMinute', {
      description: 'Requests it may make in a minute; 0: any number.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'From then on it is refused; null: never.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Its last request, known to about 10 s; null: never used.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null: it was not.',
    }),
  }),
})

const ApiKeyConnection = countedConnectionType({
  node: ApiKeyRef,
  name: 'ApiKey',
  many: 'API keys',
})

builder.queryField('apiKeys', (t) =>
  t.field({
    type: ApiKeyConnection,
    authScopes: { operator: true },
    description: 'The keys of a workspace, revoked and expired ones included.',
    args: {
      workspaceId: t.arg.id({ description: "Whose keys; left out: the operator's own." }),
      ...t.arg.connectionArgs(),
    },
    resolve: async (_root, { workspaceId: given, ...args }, context) => {
      const { database, cursors } = context.services
      const workspaceId = await ownerMeant(context, given)
      const em = database.orm.em.fork()
      const request = { args, cursors, scope: { list: 'apiKeys', workspaceId } }
      const page = await loadConnection(request, (slice) => listApiKeys(em, workspaceId, slice))
      return { ...page, countAll: () => countApiKeys(em, workspaceId) }
    },
  }),
)

/** Null: the operator. Keys alone are also theirs, so here no workspace is a choice. */
async function ownerMeant(context: Context, workspaceId: string | null | undefined) {
  if (workspaceId === null || workspaceId === undefined) return null
  return workspaceMeant(context, workspaceId)
}

const ApiKeyCreateInput = builder.inputType('ApiKeyCreateInput', {
  description: 'A new key: of a workspace, or without one of the operator.',
  fields: (t) => ({
    workspaceId: t.id({ description: 'The workspace it opens; left out for an operator key.' }),
    name: t.string({ required: true, description: 'What it is for; at most 128 characters.' }),
    scopes: t.field({
      type: [ScopeEnum],
      required: true,
      description: 'What it may do: OPERATOR without a workspace, the others with one.',
    }),
    expiresAt: t.field({ type: 'DateTime', description: 'Left out: it does not expire.' }),
    rateLimitPerMinute: t.int({
      description: 'Requests in a minute, 0 for any number. Left out: as configured.',
    }),
  }),
})

const ApiKeyCreateSuccess = builder.objectRef<CreatedApiKey>('ApiKeyCreateSuccess').implement({
  description: 'The key was created.',
  fields: (t) => ({
    apiKey: t.expose('apiKey', { type: ApiKeyRef, description: 'What is known of it.' }),
    key: t.exposeString('key', { description: 'Its text: shown here and never again.' }),
  }),
})

addMutation({
  name: 'apiKeyCreate',
  description: 'Adds a key.',
  scope: 'operator',
  input: ApiKeyCreateInput,
  success: ApiKeyCreateSuccess,
  errors: [ValidationError, NotFoundError],
  resolve: async ({ workspaceId: given, ...input }, context) => {
    const workspaceId = await ownerMeant(context, given)
    const rateLimitPerMinuteDefault = context.services.config.apiRateLimit
    return createApiKey(context.services, { workspaceId, rateLimitPerMinuteDefault }, input)
  },
})

const ApiKeyRevokeInput = builder.inputType('ApiKeyRevokeInput', {
  description: 'Which key to revoke.',
  fields: (t) => ({ id: t.id({ required: true, description: 'The key.' }) }),
})

const ApiKeyRevokeSuccess = builder
  .objectRef<{ readonly apiKey: ApiKey }>('ApiKeyRevokeSuccess')
  .implement({
    description: 'The key is revoked.',
    fields: (t) => ({
      apiKey: t.expose('apiKey', { type: ApiKeyRef, description: 'The revoked key.' }),
    }),
  })

addMutation({
  name: 'apiKeyRevoke',
  description: 'Revokes a key for good. Within 5 seconds every process refuses it.',
  scope: 'operator',
  input: ApiKeyRevokeInput,
  success: ApiKeyRevokeSuccess,
  errors: [NotFoundError],
  resolve: async ({ id }, { services }) => {
    const uuid = uuidOf('key', id)
    if (uuid === undefined) throw notFound('API key')
    return { apiKey: await revokeApiKey(services, uuid) }
  },
})
