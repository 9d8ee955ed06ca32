import { randomBytes } from 'node:crypto'
import { openCallers } from '../../src/api/caller.ts'
import { createCursors } from '../../src/api/graphql/cursor.ts'
import { graphqlRoute } from '../../src/api/graphql/graphql-route.ts'
import { serveHttp } from '../../src/api/http.ts'
import { newRateLimiter } from '../../src/api/rate-limit.ts'
import type { ApiConfig, Services } from '../../src/api/services.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import { type Database, openDatabase } from '../../src/db.ts'
import { createLog } from '../../src/log.ts'
import { startEngine } from '../../src/pipeline/engine.ts'
import { parseCidrs } from '../../src/rules/address.ts'
import { newSealer } from '../../src/seal.ts'
import { createTelemetry } from '../../src/telemetry.ts'
import { type Client, newClient } from './client.ts'
import { freshDatabase } from './database.ts'

/** A server of its own on a database of its own, with everything a test of the API needs. */
export type Bundle = AsyncDisposable & {
  readonly url: string
  readonly database: Database
  readonly services: Services
  /** With the operator key of the configuration. */
  readonly operator: Client
  /** A client with this key; null: with none. */
  readonly clientOf: (key: string | null) => Client
  /** A new workspace with a key that may do everything in it. */
  readonly newTenant: (name?: string) => Promise<Tenant>
}

/** A workspace, and a client that holds its key. */
export type Tenant = {
  readonly workspaceId: string
  readonly key: string
  readonly client: Client
}

/** What a test may have otherwise. */
export type BundleOptions = {
  readonly clock?: Clock
  readonly config?: Partial<ApiConfig>
  /** Whether lanes deliver. Without, deliveries wait for ever. */
  readonly delivers?: boolean
}

/** Loopback receivers and http are allowed, as in the embedded default. */
export async function openBundle(options: BundleOptions = {}): Promise<Bundle> {
  await using resources = new AsyncDisposableStack()
  const { url } = resources.use(await freshDatabase())
  const database = resources.use(await openDatabase(url))
  const adminKey = randomBytes(24).toString('hex')
  const services = await openServices({ database, adminKey, options, resources })
  const routes = [graphqlRoute(services, { graphiql: false })]
  const listening = { host: '127.0.0.1', port: 0, routes, log: services.log }
  const server = resources.use(await serveHttp(listening))
  const serverUrl = `http://127.0.0.1:${server.port}`
  const clientOf = (key: string | null) => newClient(serverUrl, key)
  const operator = clientOf(adminKey)
  const kept = resources.move()
  return {
    url: serverUrl,
    database,
    services,
    operator,
    clientOf,
    newTenant: (name = 'Acme') => addTenant(operator, { name, clientOf }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

type ServicesParts = {
  readonly database: Database
  readonly adminKey: string
  readonly options: BundleOptions
  readonly resources: AsyncDisposableStack
}

async function openServices(parts: ServicesParts): Promise<Services> {
  const { database, adminKey, options, resources } = parts
  const clock = options.clock ?? systemClock
  const log = createLog('error')
  const sealKey = randomBytes(32)
  const sealer = newSealer([{ id: 'test', key: sealKey }])
  const loopback = parseCidrs('127.0.0.0/8,::1/128')
  const config: ApiConfig = {
    allowedNetworks: loopback.ok ? loopback.policy : [],
    httpsOnly: false,
    selfHosts: [],
    apiRateLimit: 100_000,
    openIntrospection: false,
    ...options.config,
  }
  const { allowedNetworks, httpsOnly } = config
  const engine = resources.use(
    await startEngine({
      ...{ database, clock, log, sealer, allowedNetworks, httpsOnly },
      telemetry: createTelemetry(),
      userAgent: 'Postrider/test',
      delivers: options.delivers ?? false,
      changed: () => {},
    }),
  )
  return {
    ...{ clock, config, database, log, sealer },
    callers: resources.use(openCallers({ adminKey, clock, database, log })),
    cursors: createCursors([sealKey]),
    publisher: engine.publisher,
    rateLimiter: newRateLimiter(clock),
    wake: engine.wake,
  }
}

async function addTenant(
  operator: Client,
  { name, clientOf }: { name: string; clientOf: Bundle['clientOf'] },
): Promise<Tenant> {
  const created = await operator.mutate('workspaceCreate', { name }, 'workspace { id }')
  const workspaceId = created.workspace.id
  const input = { workspaceId, name: 'test', scopes: ['MANAGE', 'PUBLISH'] }
  const { key } = await operator.mutate('apiKeyCreate', input, 'key')
  return { workspaceId, key, client: clientOf(key) }
}
