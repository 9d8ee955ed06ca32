import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

/** What a key may do. OPERATOR holds all others, MANAGE holds READ. */
export const scopeNames = ['OPERATOR', 'MANAGE', 'PUBLISH', 'READ'] as const

/** One permission of a key. */
export type Scope = (typeof scopeNames)[number]

/** One API key, as stored: never its text, only the text's hash. */
export const ApiKeyEntity = defineEntity({
  name: 'ApiKey',
  tableName: 'api_key',
  properties: {
    id: p.uuid().primary(),
    /** Null: a key of the operator, for every workspace. */
    workspaceId: p.uuid().nullable(),
    name: p.text(),
    scopes: p.array().$type<Scope[]>(),
    /** The first characters of the key's text, to recognise it by. */
    prefix: p.text(),
    /** SHA-256 of the key's text. The text is random enough to need no slow hash. */
    keyHash: p.blob().hidden(),
    /** 0: none. */
    rateLimitPerMinute: p.integer(),
    createdAt: p.datetime(3),
    expiresAt: p.datetime(3).nullable(),
    lastUsedAt: p.datetime(3).nullable(),
    revokedAt: p.datetime(3).nullable(),
  },
})

/** An API key, as read. */
export type ApiKey = InferEntity<typeof ApiKeyEntity>
