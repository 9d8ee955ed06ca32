import { z } from 'zod'
import { parseCidrs, type AddressPolicy } from './rules/address.ts'
import { nearestName } from './rules/event-match.ts'
import { readSealKeys, type SealKey } from './seal.ts'
import { tracingOf, tracingVariables } from './tracing/settings.ts'
import type { TracingConfig } from './tracing/tracer.ts'

/** `api` serves and stores, `worker` delivers, `all` does both in one process. */
export type Role = 'all' | 'api' | 'worker'

/** Everything the environment decides. Read once, before anything starts. */
export type Config = {
  readonly port: number
  readonly host: string
  /** Null: the embedded PostgreSQL, for trying the program and for tests. */
  readonly databaseUrl: string | null
  readonly dataDir: string
  readonly role: Role
  /** Null where the embedded default generates and keeps them. */
  readonly adminKey: string | null
  readonly encryptionKeys: readonly SealKey[] | null
  readonly allowedNetworks: AddressPolicy
  readonly httpsOnly: boolean
  readonly retentionDays: number
  readonly apiRateLimit: number
  /** Origins whose pages may call the API, as a browser writes them. */
  readonly corsOrigins: readonly string[]
  readonly logLevel: string
  /** Null: no traces are made. */
  readonly tracing: TracingConfig | null
}

/** The configuration, or one sentence for each variable that is wrong. */
export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly string[] }

type Environment = Readonly<Record<string, string | undefined>>

/** Pure; no other file reads the environment. An empty variable is one that is not set. */
export function readConfig(env: Environment): ConfigResult {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const embedded = given['DATABASE_URL'] === undefined
  const known = variables(embedded)
  const unknown = unknownNames(given, Object.keys(known.shape))
  const read = known.safeParse(given)
  if (!read.success || unknown.length > 0) {
    return { ok: false, problems: [...(read.error?.issues ?? []).map(problem), ...unknown] }
  }
  const value = read.data
  return {
    ok: true,
    config: {
      port: value.PORT,
      host: value.HOST,
      databaseUrl: value.DATABASE_URL ?? null,
      dataDir: value.POSTRIDER_DATA_DIR,
      role: value.POSTRIDER_ROLE,
      adminKey: value.POSTRIDER_ADMIN_KEY ?? null,
      encryptionKeys: value.POSTRIDER_ENCRYPTION_KEYS ?? null,
      allowedNetworks: value.POSTRIDER_ALLOWED_PRIVATE_CIDRS,
      httpsOnly: value.POSTRIDER_HTTPS_ONLY,
      retentionDays: value.POSTRIDER_RETENTION_DAYS,
      apiRateLimit: value.POSTRIDER_API_RATE_LIMIT,
      corsOrigins: value.POSTRIDER_CORS_ORIGINS,
      logLevel: value.POSTRIDER_LOG_LEVEL,
      tracing: tracingOf(value),
    },
  }
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

function variables(embedded: boolean) {
  const inProduction = 'is required when DATABASE_URL is set'
  const needed = <T extends z.ZodType>(type: T) => (embedded ? type.optional() : type)
  return z.object({
    PORT: wholeNumber(0, 65_535).default(4000),
    HOST: z.string().default(embedded ? '127.0.0.1' : '0.0.0.0'),
    DATABASE_URL: z
      .string()
      .regex(/^postgres(ql)?:\/\//, 'must begin with postgres://')
      .optional(),
    POSTRIDER_DATA_DIR: z.string().default('.postrider'),
    POSTRIDER_ROLE: z.enum(['all', 'api', 'worker'], 'must be all, api or worker').default('all'),
    POSTRIDER_ADMIN_KEY: needed(z.string(inProduction).min(32, 'must have at least 32 characters')),
    POSTRIDER_ENCRYPTION_KEYS: needed(z.string(inProduction).transform(sealKeys)),
    POSTRIDER_ALLOWED_PRIVATE_CIDRS: z
      .string()
      .default(embedded ? '127.0.0.0/8,::1/128' : '')
      .transform(networks),
    POSTRIDER_HTTPS_ONLY: flag.default(!embedded),
    POSTRIDER_RETENTION_DAYS: wholeNumber(1, 3650).default(30),
    POSTRIDER_API_RATE_LIMIT: wholeNumber(0, 1_000_000).default(100),
    POSTRIDER_CORS_ORIGINS: z.string().default('').transform(origins),
    POSTRIDER_LOG_LEVEL: z
      .enum(logLevels, `must be one of ${logLevels.join(', ')}`)
      .default('info'),
    ...tracingVariables,
  })
}

const flag = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true')

function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`
  return z
    .string()
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .pipe(z.number().min(min, message).max(max, message))
}

function sealKeys(text: string, context: z.RefinementCtx): readonly SealKey[] {
  const keys = readSealKeys(text)
  if (typeof keys !== 'string') return keys
  context.addIssue({ code: 'custom', message: keys })
  return z.NEVER
}

function networks(text: string, context: z.RefinementCtx): AddressPolicy {
  const read = parseCidrs(text)
  if (read.ok) return read.policy
  context.addIssue({ code: 'custom', message: read.message })
  return z.NEVER
}

/** Exactly what a browser sends as `Origin`: another spelling would never be equal to it. */
function origins(text: string, context: z.RefinementCtx): readonly string[] {
  const given = text.split(',').map((origin) => origin.trim())
  const named = given.filter((origin) => origin !== '')
  const wrong = named.find(
    (origin) => !/^https?:/.test(origin) || URL.parse(origin)?.origin !== origin,
  )
  if (wrong === undefined) return named
  const message = `must be origins such as https://app.example.com, not "${wrong}"`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}

const prefix = 'POSTRIDER_'

/** A name that is misspelt would otherwise be a setting that silently does not hold. */
function unknownNames(given: Environment, known: readonly string[]): readonly string[] {
  const isForeign = foreignNames(given)
  const unknown = Object.keys(given).filter((name) => {
    return name.startsWith(prefix) && !known.includes(name) && !isForeign(name)
  })
  const byEnd = new Map(known.map((name) => [withoutPrefix(name), name]))
  return unknown.map((name) => {
    const near = byEnd.get(nearestName(withoutPrefix(name), [...byEnd.keys()]) ?? '')
    return `${name} is not a setting${near ? `; did you mean ${near}?` : '.'}`
  })
}

const withoutPrefix = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length) : name)

/**
 * Kubernetes tells every container of each service where it is: of one named `postrider` in
 * `POSTRIDER_SERVICE_HOST`, `POSTRIDER_PORT` and more, which nobody chose.
 */
function foreignNames(given: Environment): (name: string) => boolean {
  const hosts = Object.keys(given).filter((name) => name.endsWith('_SERVICE_HOST'))
  const services = hosts.map((name) => name.slice(0, -'_SERVICE_HOST'.length))
  return (name) => {
    return services.some(
      (one) => name.startsWith(`${one}_SERVICE_`) || name.startsWith(`${one}_PORT`),
    )
  }
}

function problem({ path, message }: z.core.$ZodIssue): string {
  return `${path.join('.')} ${message}${message.endsWith('.') ? '' : '.'}`
}
