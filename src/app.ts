import { openCallers } from './api/caller.ts'
import { createCursors } from './api/graphql/cursor.ts'
import { graphqlRoute, type GraphqlRouteOptions } from './api/graphql/graphql-route.ts'
import { serveHttp, type Route } from './api/http.ts'
import { newRateLimiter } from './api/rate-limit.ts'
import type { Services } from './api/services.ts'
import { followDatabaseClock, type Clock } from './clock.ts'
import type { Config } from './config.ts'
import { openDatabase, type Database } from './db.ts'
import { openHub, type Hub } from './feed/hub.ts'
import type { Log } from './log.ts'
import { keepRetention } from './maintenance/retention.ts'
import { startEngine } from './pipeline/engine.ts'
import { newSealer, type SealKey } from './seal.ts'
import { createTelemetry } from './telemetry.ts'
import { userAgent } from './version.ts'

/** What `main.ts` has decided: the configuration, with everything in place that it may leave out. */
export type AppOptions = {
  readonly config: Omit<Config, 'databaseUrl' | 'adminKey' | 'encryptionKeys'> & {
    readonly databaseUrl: string
    readonly adminKey: string
    readonly encryptionKeys: readonly SealKey[]
  }
  readonly log: Log
  /** The database's clock unless given. */
  readonly clock?: Clock
  readonly graphiql: GraphqlRouteOptions['graphiql']
  /** Served besides the API, such as the inbox of the embedded default. */
  readonly routes?: readonly Route[]
}

/** A program that runs. Disposing it stops what it serves first, and drains what it sends. */
export type App = AsyncDisposable & {
  /** Null: this process serves no API. */
  readonly port: number | null
  readonly services: Services
}

/** Builds what the role needs, in the order in which it starts; it is disposed in reverse. */
export async function startApp(options: AppOptions): Promise<App> {
  await using resources = new AsyncDisposableStack()
  const { config, log } = options
  const database = resources.use(await openDatabase(config.databaseUrl))
  const clock = options.clock ?? resources.use(await followDatabaseClock(database.pool, log))
  const { retentionDays } = config
  const hub = resources.use(openHub({ database, clock, log, retentionDays }))
  const services = await startServices(options, { database, clock, hub }, resources)
  resources.use(keepRetention({ pool: database.pool, clock, log, retentionDays }))
  const routes = [graphqlRoute(services, options), ...(options.routes ?? [])]
  const http = resources.use(
    await serveHttp({ host: config.host, port: config.port, routes, log }),
  )
  const kept = resources.move()
  return { port: http.port, services, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

type Foundation = {
  readonly database: Database
  readonly clock: Clock
  readonly hub: Hub
}

async function startServices(
  options: AppOptions,
  { database, clock, hub }: Foundation,
  resources: AsyncDisposableStack,
): Promise<Services> {
  const { config, log } = options
  const { allowedNetworks, httpsOnly, apiRateLimit, adminKey } = config
  const openIntrospection = options.graphiql !== false
  const sealer = newSealer(config.encryptionKeys)
  const delivers = config.role !== 'api'
  const telemetry = createTelemetry()
  const engine = resources.use(
    await startEngine({
      ...{ database, clock, log, telemetry, sealer, allowedNetworks, httpsOnly, userAgent, delivers },
      changed: hub.changed,
    }),
  )
  return {
    ...{ database, clock, log, sealer, hub, telemetry },
    config: { allowedNetworks, httpsOnly, apiRateLimit, openIntrospection, selfHosts: [] },
    callers: resources.use(openCallers({ adminKey, clock, database, log })),
    cursors: createCursors(config.encryptionKeys.map(({ key }) => key)),
    rateLimiter: newRateLimiter(clock),
    publisher: engine.publisher,
    wake: engine.wake,
  }
}
