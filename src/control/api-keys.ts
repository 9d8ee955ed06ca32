import type { EntityManager } from '@mikro-orm/postgresql'
import { z } from 'zod'
import { type InputIssue, invalidInput, notFound } from '../errors.ts'
import { apiKeysPerWorkspaceMax, nameLengthMax, rateLimitPerMinuteMax } from '../limits.ts'
import { type ApiKey, ApiKeyEntity, scopeNames } from '../model/api-key.ts'
import { apiKeyPrefix, hashApiKey, newApiKeyText } from '../rules/api-key-text.ts'
import { type Facts, factsChange } from '../rules/facts.ts'
import { newUuid } from '../rules/id.ts'
import { countLiveApiKeys, lockApiKey } from '../store/api-key.ts'
import { lockWorkspace } from '../store/workspace.ts'
import { noteChange } from './audit.ts'
import { checked, freeText, optional, readInput, wholeNumber } from './input.ts'
import type { ControlPorts } from './ports.ts'

const creation = z.object({
  name: freeText(nameLengthMax),
  scopes: checked(z.array(z.enum(scopeNames)), (scopes) =>
    scopes.length === 0 ? 'must have at least one.' : undefined,
  ),
  expiresAt: optional(z.date()),
  rateLimitPerMinute: optional(wholeNumber(0, rateLimitPerMinuteMax)),
})

/** What a new key is made of. */
export type ApiKeyCreation = z.input<typeof creation>

/** Whose key it is to be, and what it gets unless it says otherwise. */
export type ApiKeyOwner = {
  /** Null: a key of the operator. */
  readonly workspaceId: string | null
  readonly rateLimitPerMinuteDefault: number
}

/** A key, and its text, which nobody sees again: only its hash is stored. */
export type CreatedApiKey = { readonly apiKey: ApiKey; readonly key: string }

/** Adds a key. A workspace key has no OPERATOR scope; an operator key has nothing else. */
export async function createApiKey(
  ports: ControlPorts,
  owner: ApiKeyOwner,
  input: ApiKeyCreation,
): Promise<CreatedApiKey> {
  const wanted = readInput(creation, input)
  const createdAt = ports.clock.now()
  const issues = [...checkOwner(owner, wanted.scopes), ...checkExpiry(wanted.expiresAt, createdAt)]
  if (issues.length > 0) throw invalidInput(issues)
  const key = newApiKeyText()
  const { workspaceId } = owner
  const limit = workspaceId === null ? 0 : owner.rateLimitPerMinuteDefault
  const apiKey = await ports.database.orm.em.fork().transactional(async (em) => {
    if (workspaceId !== null) await requireRoom(em, workspaceId, createdAt)
    const created = em.create(ApiKeyEntity, {
      id: newUuid(createdAt.getTime()),
      workspaceId,
      name: wanted.name,
      scopes: [...new Set(wanted.scopes)],
      prefix: apiKeyPrefix(key),
      keyHash: hashApiKey(key),
      rateLimitPerMinute: wanted.rateLimitPerMinute ?? limit,
      createdAt,
      expiresAt: wanted.expiresAt ?? null,
    })
    const note = { workspaceId, targetId: created.id, before: null, after: keyFacts(created) }
    noteChange(ports, em, { action: 'API_KEY_CREATED', ...note })
    return created
  })
  return { apiKey, key }
}

/** Keys of one workspace are created one after another, so that none slips past the limit. */
async function requireRoom(em: EntityManager, workspaceId: string, at: Date): Promise<void> {
  if (!(await lockWorkspace(em, workspaceId))) throw notFound('Workspace')
  const count = await countLiveApiKeys(em, { workspaceId, at })
  if (count < apiKeysPerWorkspaceMax) return
  const message = `This workspace has ${count} API keys, the limit. Revoke one first.`
  throw invalidInput([{ path: [], message }])
}

/** Revokes a key: within 5 s it is refused everywhere. Revoking it again changes nothing. */
export async function revokeApiKey(ports: ControlPorts, id: string): Promise<ApiKey> {
  return ports.database.orm.em.fork().transactional(async (em) => {
    const key = await lockApiKey(em, id)
    if (!key) throw notFound('API key')
    const before = keyFacts(key)
    key.revokedAt ??= ports.clock.now()
    const changes = factsChange(before, keyFacts(key))
    const target = { workspaceId: key.workspaceId ?? null, targetId: key.id }
    if (changes) noteChange(ports, em, { action: 'API_KEY_REVOKED', ...target, ...changes })
    return key
  })
}

function keyFacts(key: ApiKey): Facts {
  const { name, scopes, prefix, rateLimitPerMinute } = key
  const [expiresAt, revokedAt] = [key.expiresAt ?? null, key.revokedAt ?? null]
  return { name, scopes, prefix, rateLimitPerMinute, expiresAt, revokedAt }
}

function checkOwner({ workspaceId }: ApiKeyOwner, scopes: readonly string[]): InputIssue[] {
  const operates = scopes.includes('OPERATOR')
  if (operates === (workspaceId === null)) return []
  const message = operates
    ? 'OPERATOR is for keys without a workspace.'
    : 'a key without a workspace must have OPERATOR.'
  return [{ path: ['scopes'], message }]
}

function checkExpiry(expiresAt: Date | undefined, now: Date): InputIssue[] {
  if (expiresAt === undefined || expiresAt > now) return []
  return [{ path: ['expiresAt'], message: 'must be in the future.' }]
}
