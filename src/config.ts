import { z } from 'zod'
import { parseCidrs, type AddressPolicy } from './rules/address.ts'
import { readSealKeys, type SealKey } from './seal.ts'

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
  readonly logLevel: string
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
  const read = variables(embedded).safeParse(given)
  if (!read.success) return { ok: false, problems: read.error.issues.map(problem) }
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
      logLevel: value.POSTRIDER_LOG_LEVEL,
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
    POSTRIDER_LOG_LEVEL: z
      .enum(logLevels, `must be one of ${logLevels.join(', ')}`)
      .default('info'),
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

function problem({ path, message }: z.core.$ZodIssue): string {
  return `${path.join('.')} ${message}${message.endsWith('.') ? '' : '.'}`
}
