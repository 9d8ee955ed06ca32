import { randomBytes } from 'node:crypto'
import type { Services } from '../../src/api/services.ts'
import { type App, type FullConfig, startApp } from '../../src/app.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import type { Database } from '../../src/db.ts'
import { createLog, type Log } from '../../src/log.ts'
import { parseCidrs } from '../../src/rules/address.ts'
import { type Client, newClient } from './client.ts'
import { freshDatabase } from './database.ts'

/** The whole program on a database of its own, with everything a test of the API needs. */
export type Bundle = AsyncDisposable & {
  readonly url: string
  readonly databaseUrl: string
  readonly adminKey: string
  /** To start a second program beside it, with {@link openBeside}. */
  readonly config: FullConfig
  readonly database: Database
  readonly services: Services
  /** With the operator key of the configuration. */
  readonly operator: Client
  /** A client with this key; null: with none. */
  readonly clientOf: (key: string | null) => Client
  /** A new workspace with a key that may do everything in it. */
  readonly newTenant: (options?: TenantOptions) => Promise<Tenant>
}

/** A workspace, and a client that holds its key. */
export type Tenant = {
  readonly workspaceId: string
  readonly keyId: string
  readonly key: string
  readonly client: Client
}

/** What a workspace may have otherwise. */
export type TenantOptions = {
  readonly name?: string
  readonly wireFormat?: string
  readonly scopes?: readonly string[]
}

/** What a test may have otherwise. */
export type BundleOptions = {
  readonly clock?: Clock
  readonly config?: Partial<FullConfig>
  readonly log?: Log
  /** Whether lanes deliver. Without, deliveries wait for ever. */
  readonly delivers?: boolean
  /** The way to the database, such as one that can be cut. */
  readonly way?: (databaseUrl: string) => Promise<AsyncDisposable & { readonly url: string }>
  /** Whether the schema may be read without a key. */
  readonly openIntrospection?: boolean
}

/** Loopback receivers and http are allowed, as in the embedded default. */
export async function openBundle(options: BundleOptions = {}): Promise<Bundle> {
  await using resources = new AsyncDisposableStack()
  const { url } = resources.use(await freshDatabase())
  const databaseUrl = options.way ? resources.use(await options.way(url)).url : url
  const config = newConfig(databaseUrl, options)
  const app: App = resources.use(
    await startApp({
      config,
      log: options.log ?? createLog(process.env['TEST_LOG_LEVEL'] ?? 'silent'),
      clock: options.clock ?? systemClock,
      graphiql: options.openIntrospection ? async () => ({ status: 200 }) : false,
    }),
  )
  const serverUrl = `http://127.0.0.1:${app.port}`
  const clientOf = (key: string | null) => newClient(serverUrl, key)
  const operator = clientOf(config.adminKey)
  const kept = resources.move()
  return {
    url: serverUrl,
    databaseUrl,
    operator,
    clientOf,
    adminKey: config.adminKey,
    config,
    services: app.services,
    database: app.services.database,
    newTenant: (wanted = {}) => addTenant(operator, clientOf, wanted),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** One more program of the same configuration, on the same database; on any free port. */
export async function openBeside(
  { config }: Pick<Bundle, 'config'>,
  { clock = systemClock, port = 0 }: Pick<BundleOptions, 'clock'> & { readonly port?: number } = {},
): Promise<AsyncDisposable & Pick<Bundle, 'url' | 'services' | 'clientOf'>> {
  const log = createLog(process.env['TEST_LOG_LEVEL'] ?? 'silent')
  const app = await startApp({ config: { ...config, port }, log, clock, graphiql: false })
  const { services } = app
  const url = `http://127.0.0.1:${app.port}`
  const clientOf = (key: string | null) => newClient(url, key)
  return { url, services, clientOf, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() }
}

function newConfig(databaseUrl: string, { config, delivers }: BundleOptions): FullConfig {
  const loopback = parseCidrs('127.0.0.0/8,::1/128')
  return {
    port: 0,
    host: '127.0.0.1',
    databaseUrl,
    dataDir: '',
    role: delivers ? 'all' : 'api',
    adminKey: randomBytes(24).toString('hex'),
    encryptionKeys: [{ id: 'test', key: randomBytes(32) }],
    allowedNetworks: loopback.ok ? loopback.policy : [],
    httpsOnly: false,
    retentionDays: 30,
    apiRateLimit: 100_000,
    corsOrigins: [],
    logLevel: 'silent',
    tracing: null,
    ...config,
  }
}

async function addTenant(
  operator: Client,
  clientOf: Bundle['clientOf'],
  {
    name = 'Acme',
    wireFormat = 'STANDARD_WEBHOOKS',
    scopes = ['MANAGE', 'PUBLISH'],
  }: TenantOptions,
): Promise<Tenant> {
  const fields = 'workspace { id }'
  const created = await operator.mutate('workspaceCreate', { name, wireFormat }, fields)
  const workspaceId: string = created.workspace.id
  const input = { workspaceId, name: 'test', scopes }
  const { apiKey, key } = await operator.mutate('apiKeyCreate', input, 'key apiKey { id }')
  return { workspaceId, keyId: apiKey.id, key, client: clientOf(key) }
}
