import { openCallers } from './api/caller.ts'
import { allowOrigins } from './api/cors.ts'
import { createCursors } from './api/graphql/cursor.ts'
import { graphqlRoute, type GraphqlRouteOptions } from './api/graphql/graphql-route.ts'
import { newKeySlots } from './api/graphql/key-slots.ts'
import { openStreams, type Streams } from './api/graphql/stream-route.ts'
import { serveSockets } from './api/graphql/websocket.ts'
import { healthRoutes } from './api/health.ts'
import { serveHttp, type Route } from './api/http.ts'
import { newRateLimiter } from './api/rate-limit.ts'
import { webhookRoutes } from './api/rest/webhook-routes.ts'
import type { Services } from './api/services.ts'
import { followDatabaseClock, systemClock, type Clock } from './clock.ts'
import type { Config } from './config.ts'
import { openDatabase, type Database } from './db.ts'
import { openHub, type Hub } from './feed/hub.ts'
import { openReplayWatch, type ReplayWatch } from './feed/replay-watch.ts'
import type { Log } from './log.ts'
import { autoDisable } from './maintenance/auto-disable.ts'
import { eraseDeletedWorkspaces } from './maintenance/erasure.ts'
import { workOnReplays } from './maintenance/replays.ts'
import { keepRetention } from './maintenance/retention.ts'
import { startEngine, type Engine } from './pipeline/engine.ts'
import { newSealer, type SealKey } from './seal.ts'
import { newLogSpan } from './store/log-span.ts'
import { readsOf } from './store/reads.ts'
import { createTelemetry, type Telemetry } from './telemetry.ts'
import type { Tracer, TracingConfig } from './tracing/tracer.ts'
import { userAgent } from './version.ts'

/** The configuration with everything in place that the embedded default may leave out. */
export type FullConfig = Omit<Config, 'databaseUrl' | 'adminKey' | 'encryptionKeys'> & {
  readonly databaseUrl: string
  readonly adminKey: string
  readonly encryptionKeys: readonly SealKey[]
}

/** What a program is started with. */
export type AppOptions = {
  readonly config: FullConfig
  readonly log: Log
  /** The database's clock unless given. */
  readonly clock?: Clock
  /** Where it is on, anyone may read the schema. */
  readonly graphiql: GraphqlRouteOptions['graphiql']
  /** Served besides the API, such as the inbox of the embedded default. */
  readonly routes?: (services: Services) => readonly Route[]
}

/** A program that runs. Disposing it stops what it serves first, then drains what it sends. */
export type App = AsyncDisposable & {
  readonly port: number
  readonly services: Services
}

type Foundation = {
  readonly tracer: Tracer | null
  readonly database: Database
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly hub: Hub
  readonly replayWatch: ReplayWatch
}

/** Builds what the role needs, in the order in which it starts; it is disposed in reverse. */
export async function startApp(options: AppOptions): Promise<App> {
  await using resources = new AsyncDisposableStack()
  const { config, log } = options
  const { retentionDays, host, port } = config
  const database = resources.use(await openDatabase(config.databaseUrl))
  const followed = options.clock ? null : await followDatabaseClock(database.pool, log)
  if (followed) resources.use(followed)
  const clock = options.clock ?? followed ?? systemClock
  const hub = resources.use(openHub({ database, clock, log, retentionDays }))
  const tracer = await openTracer(config.tracing)
  if (tracer) resources.use(tracer)
  const replayWatch = resources.use(openReplayWatch({ database, log }))
  const telemetry = createTelemetry()
  const foundation = { tracer, database, clock, hub, replayWatch, telemetry }
  const engine = resources.use(await startData(options, foundation))
  const { pool } = database
  const endpointChanged = (endpointId: string) => engine.wake.endpointChanged(endpointId)
  resources.use(keepRetention({ pool, clock, log, retentionDays }))
  resources.use(eraseDeletedWorkspaces({ pool, clock, log }))
  resources.use(autoDisable({ pool, clock, log, endpointChanged, tell: engine.tell }))
  if (config.role !== 'api') resources.use(replays(foundation, engine, log))
  const services = openServices(options, foundation, engine)
  resources.use(services.callers)
  let draining = false
  const health = healthRoutes({
    ...{ pool: database.pool, telemetry: foundation.telemetry, log },
    ...{ isDraining: () => draining, inFlight: engine.inFlight, clock },
    queueProblem: engine.queueProblem,
    skewMs: () => followed?.skewMs() ?? 0,
  })
  const slots = newKeySlots()
  const streams = resources.use(openStreams(services, slots))
  const routes = [...health, ...apiRoutes(options, services, streams)]
  const http = resources.use(await serveHttp({ host, port, routes, log }))
  const sockets =
    config.role === 'worker' ? null : resources.use(serveSockets(http.server, services, { slots }))
  // All at once: no new attempt may start while the last requests of the API end.
  resources.defer(async () => {
    draining = true
    const servers = sockets === null ? [http] : [http, sockets, streams]
    await Promise.all([engine.drain(), ...servers.map((each) => each[Symbol.asyncDispose]())])
  })
  const kept = resources.move()
  return { port: http.port, services, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/** The SDK is loaded where tracing is on. */
async function openTracer(tracing: TracingConfig | null): Promise<Tracer | null> {
  if (tracing === null) return null
  return (await import('./tracing/otlp.ts')).openOtlpTracer(tracing)
}

function startData(
  { config, log }: AppOptions,
  { database, clock, telemetry, hub, tracer }: Foundation,
): Promise<Engine> {
  const { allowedNetworks, httpsOnly, role, encryptionKeys } = config
  return startEngine({
    ...{ database, clock, log, telemetry, tracer, allowedNetworks, httpsOnly, userAgent },
    sealer: newSealer(encryptionKeys),
    delivers: role !== 'api',
    changed: hub.changed,
  })
}

/** A worker's duty, as delivering is. */
function replays({ hub, ...ports }: Foundation, { wake }: Engine, log: Log): AsyncDisposable {
  const added = (endpointIds: readonly string[]) => wake.added(endpointIds)
  return workOnReplays({ ...ports, log, added, changed: hub.changed })
}

function openServices(options: AppOptions, foundation: Foundation, engine: Engine): Services {
  const { config, log } = options
  const { database, clock, hub, replayWatch } = foundation
  const { allowedNetworks, httpsOnly, apiRateLimit, corsOrigins, retentionDays } = config
  const { adminKey, encryptionKeys } = config
  return {
    ...{ database, clock, log, hub, replayWatch },
    sealer: newSealer(encryptionKeys),
    config: {
      ...{ apiRateLimit, corsOrigins, retentionDays },
      openIntrospection: options.graphiql !== false,
    },
    urlRules: { policy: allowedNetworks, httpsOnly },
    callers: openCallers({ adminKey, clock, database, log }),
    logSpan: newLogSpan(readsOf(database)),
    cursors: createCursors(encryptionKeys.map(({ key }) => key)),
    rateLimiter: newRateLimiter({ clock, pool: database.pool, log }),
    publisher: engine.publisher,
    wake: engine.wake,
  }
}

/** A worker serves its health alone. */
function apiRoutes(options: AppOptions, services: Services, streams: Streams): readonly Route[] {
  if (options.config.role === 'worker') return []
  const more = options.routes?.(services) ?? []
  const routes = [
    graphqlRoute(services, options),
    streams.route,
    ...webhookRoutes(services),
    ...more,
  ]
  return routes.map((route) => allowOrigins(route, options.config.corsOrigins))
}
