import { createHash, timingSafeEqual } from 'node:crypto'
import type { Log } from '../log.ts'
import type { Clock } from '../clock.ts'
import type { Database } from '../db.ts'
import { apiKeyCacheMax, apiKeyCacheMs, apiKeyCheckEveryMs, apiKeyTouchEveryMs } from '../limits.ts'
import type { ApiKey, Scope } from '../model/api-key.ts'
import { type Actor, systemActor } from '../model/audit-entry.ts'
import { hashApiKey, isApiKeyText } from '../rules/api-key-text.ts'
import { findApiKeyByHash, findApiKeysByHash, touchApiKeys } from '../store/api-key.ts'

/** Who calls, and what they may do. */
export type Caller = {
  /** Null: the operator key of the configuration, or nobody. */
  readonly keyId: string | null
  /** What the key is called; null where it has no id. */
  readonly keyName: string | null
  /** As given to the key; what one scope includes is decided by `holds`. */
  readonly scopes: readonly Scope[]
  /** Null: the operator, or nobody. */
  readonly workspaceId: string | null
  /** Requests in a minute; 0: no limit. */
  readonly rateLimitPerMinute: number
}

/** Nobody: may read the schema where the configuration opens it, and nothing else. */
export const anonymous: Caller = {
  keyId: null,
  keyName: null,
  scopes: [],
  workspaceId: null,
  rateLimitPerMinute: 0,
}

const configuredOperator: Caller = { ...anonymous, scopes: ['OPERATOR'] }

/** A caller, or why there is none. The message is for the caller. */
export type Authentication =
  | { readonly ok: true; readonly caller: Caller }
  | {
      readonly ok: false
      readonly reason: 'MISSING' | 'INVALID'
      readonly message: 'Missing API key.' | 'Invalid API key.'
    }

const missing = { ok: false, reason: 'MISSING', message: 'Missing API key.' } as const
/** One text for unknown, revoked and expired keys: it is nobody's business which. */
const invalid = { ok: false, reason: 'INVALID', message: 'Invalid API key.' } as const

/** Turns keys into callers. */
export type Callers = AsyncDisposable & {
  /** `authorization` is the header's value, or what a socket sent in its place. */
  readonly authenticate: (authorization: string | undefined) => Promise<Authentication>
  /**
   * Reads what is kept of these keys anew before it is too old, all in one statement, so that
   * asking for each of them afterwards costs none. Fails where the database is down.
   */
  readonly refresh: (authorizations: readonly string[]) => Promise<void>
}

type CallersOptions = {
  readonly database: Database
  readonly clock: Clock
  readonly log: Pick<Log, 'warn'>
  /** The operator key of the configuration: any text, compared and never stored. */
  readonly adminKey: string
}

type CachedKey = { readonly key: Promise<ApiKey | null>; readonly readAtMs: number }

/**
 * Keys are kept in memory for `apiKeyCacheMs`, so that a revoked one is refused everywhere within
 * 5 s, and a caller costs no query a request. When a key was last used is written in batches.
 */
export function openCallers(options: CallersOptions): Callers {
  const { database, clock } = options
  const adminHash = sha256(options.adminKey)
  const cache = new Map<string, CachedKey>()
  const uses = collectUses(options)

  function readKey(hash: Buffer): Promise<ApiKey | null> {
    const id = hash.toString('base64')
    const nowMs = clock.now().getTime()
    const cached = cache.get(id)
    if (cached && Math.abs(nowMs - cached.readAtMs) < apiKeyCacheMs) return cached.key
    const key = findApiKeyByHash(database.orm.em.fork(), hash)
    keep(id, { key, readAtMs: nowMs })
    key.catch(() => cache.delete(id)) // the caller reports it; the next one asks again
    return key
  }

  function keep(id: string, read: CachedKey): void {
    cache.delete(id)
    cache.set(id, read)
    if (cache.size > apiKeyCacheMax) cache.delete(cache.keys().next().value ?? '')
  }

  async function refresh(authorizations: readonly string[]): Promise<void> {
    const readAtMs = clock.now().getTime()
    const isDue = (id: string) => {
      const ageMs = Math.abs(readAtMs - (cache.get(id)?.readAtMs ?? 0))
      return ageMs >= apiKeyCacheMs - apiKeyCheckEveryMs
    }
    const hashes = authorizations.map(keyTextOf).flatMap((text) => {
      return text !== undefined && isApiKeyText(text) ? [hashApiKey(text)] : []
    })
    const due = hashes.filter((hash) => isDue(hash.toString('base64')))
    if (due.length === 0) return
    const keys = await findApiKeysByHash(database.orm.em.fork(), due)
    const keyOf = new Map(keys.map((key) => [Buffer.from(key.keyHash).toString('base64'), key]))
    for (const hash of due) {
      const id = hash.toString('base64')
      keep(id, { key: Promise.resolve(keyOf.get(id) ?? null), readAtMs })
    }
  }

  return {
    authenticate: async (authorization) => {
      if (!authorization) return missing
      const text = keyTextOf(authorization)
      if (text === undefined) return invalid
      if (timingSafeEqual(sha256(text), adminHash)) return { ok: true, caller: configuredOperator }
      if (!isApiKeyText(text)) return invalid
      const key = await readKey(hashApiKey(text))
      if (!key || !isUsable(key, clock.now())) return invalid
      uses.add(key.id, clock.now())
      return { ok: true, caller: callerOf(key) }
    },
    refresh,
    [Symbol.asyncDispose]: () => uses[Symbol.asyncDispose](),
  }
}

function keyTextOf(authorization: string): string | undefined {
  return /^Bearer +(.+)$/i.exec(authorization.trim())?.[1]
}

function callerOf({ id, name, scopes, workspaceId, rateLimitPerMinute }: ApiKey): Caller {
  const key = { keyId: id, keyName: name, scopes }
  return { ...key, workspaceId: workspaceId ?? null, rateLimitPerMinute }
}

/** The caller as the audit log names them. Nobody without a key changes anything. */
export function actorOf(caller: Caller): Actor {
  const { keyId: apiKeyId, keyName: apiKeyName } = caller
  if (caller.workspaceId !== null) return { type: 'API_KEY', apiKeyId, apiKeyName }
  return holds(caller, 'OPERATOR') ? { type: 'OPERATOR', apiKeyId, apiKeyName } : systemActor
}

function isUsable({ revokedAt, expiresAt }: ApiKey, now: Date): boolean {
  return !revokedAt && (!expiresAt || expiresAt > now)
}

const included: Record<Scope, readonly Scope[]> = {
  OPERATOR: ['OPERATOR', 'MANAGE', 'PUBLISH', 'READ'],
  MANAGE: ['MANAGE', 'READ'],
  PUBLISH: ['PUBLISH'],
  READ: ['READ'],
}

/** Whether a caller may do what needs this scope. */
export function holds(caller: Caller, scope: Scope): boolean {
  return caller.scopes.some((held) => included[held].includes(scope))
}

/** Equal lengths for the comparison, whatever was sent. */
function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Collects when keys were used and writes it now and then: never on the way of a request. */
function collectUses({ database, log }: CallersOptions) {
  let used = new Map<string, Date>()
  async function flush(): Promise<void> {
    if (used.size === 0) return
    const written = used
    used = new Map()
    await touchApiKeys(database.pool, written).catch((error: unknown) => {
      log.warn({ err: error, keys: written.size }, 'could not store when API keys were used')
    })
  }
  const timer = setInterval(() => void flush(), apiKeyTouchEveryMs).unref()
  return {
    add: (keyId: string, at: Date) => void used.set(keyId, at),
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      await flush()
    },
  }
}
