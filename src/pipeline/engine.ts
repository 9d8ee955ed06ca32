import { publicId } from '../rules/id.ts'
import type { Clock } from '../clock.ts'
import type { Database } from '../db.ts'
import { createHttpPost } from '../egress/http-post.ts'
import { inFlightMax, startsPerTurnMax } from '../limits.ts'
import type { Log } from '../log.ts'
import { openNotifier } from '../notifier.ts'
import { openQueue, type LaneQueue } from '../queue.ts'
import type { AddressPolicy } from '../rules/address.ts'
import type { Sealer } from '../seal.ts'
import { unholdDue } from '../store/due.ts'
import type { Telemetry } from '../telemetry.ts'
import type { Tracer } from '../tracing/tracer.ts'
import { logCircuit } from './circuit-log.ts'
import { disableAndTell } from './disable.ts'
import { FanOut } from './fan-out.ts'
import { Lanes } from './lanes.ts'
import { createEndpointLoader, createPageLoader } from './load.ts'
import { Permits } from './permits.ts'
import type { Committed } from './prepare.ts'
import { createPublisher, type Publisher } from './publish.ts'
import { watchQueue } from './queue-watch.ts'
import { createRecorder } from './record.ts'
import { send } from './send.ts'
import type { LaneEndpoint } from './stages.ts'
import { createTell, type Tell } from './tell.ts'
import { Wake } from './wake.ts'

/** What the data plane needs of the program around it. */
export type EngineOptions = {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly telemetry: Telemetry
  readonly sealer: Sealer
  readonly allowedNetworks: AddressPolicy
  readonly httpsOnly: boolean
  readonly userAgent: string
  /** Null: tracing is off. */
  readonly tracer: Tracer | null
  /** False: publishes and wakes, and leaves the lanes to other processes. */
  readonly delivers: boolean
  /** Changes of these workspaces were committed. */
  readonly changed: (workspaceIds: readonly string[]) => void
}

/** The data plane of one process. Disposing it drains: what is in flight ends and is recorded. */
export type Engine = AsyncDisposable & {
  readonly publisher: Publisher
  readonly wake: Wake
  readonly tell: Tell
  /** Requests to receivers that have no answer yet. */
  readonly inFlight: () => number
  /** Why this process claims no lanes although it should; null: it does, or should not. */
  readonly queueProblem: () => string | null
  /** Starts nothing more, ends or gives up what is out, and gives the lanes to others. */
  readonly drain: () => Promise<void>
}

/** Starts it. Lanes are claimed from now on, where it delivers. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  await using resources = new AsyncDisposableStack()
  const { database, log } = options
  const queue = resources.use(await openLaneQueue(options))
  const permits = new Permits(inFlightMax, startsPerTurnMax)
  const { pool } = database
  const fanOut = new FanOut(pool)
  const committed: Committed = (deliveries) => {
    wake.created(deliveries)
    options.changed([...new Set(deliveries.map((delivery) => delivery.workspaceId))])
  }
  const tell = createTell({ ...options, pool, fanOut, committed })
  const watched = watchQueue(queue, options.clock)
  const lanes = options.delivers
    ? openLanes(options, watched.queue, { resources, permits, tell })
    : null
  const notifier = resources.use(
    openNotifier({ pool, log, channel: 'postrider_lane', heard: (ids) => wake.announced(ids) }),
  )
  const announce = notifier.announce
  const wake: Wake = resources.use(new Wake({ ...options, pool, queue, lanes, announce }))
  if (lanes) notifier.listen()
  const publisher = createPublisher({ ...options, pool, fanOut, committed })
  const kept = resources.move()
  return {
    publisher,
    wake,
    tell,
    inFlight: () => permits.taken,
    queueProblem: () => (lanes ? watched.problem() : null),
    drain: async () => lanes?.[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

function openLaneQueue({ database, log }: EngineOptions) {
  const executeSql = (text: string, values?: unknown[]) => database.queuePool.query(text, values)
  return openQueue({ executeSql }, (error) => {
    log.warn({ err: error }, 'the queue reports an error; it goes on by itself')
  })
}

type LanesParts = { resources: AsyncDisposableStack; permits: Permits; tell: Tell }

function openLanes(
  options: EngineOptions,
  queue: LaneQueue,
  { resources, permits, tell }: LanesParts,
): Lanes {
  const { database, clock, log, tracer, userAgent, allowedNetworks: policy, httpsOnly } = options
  const http = resources.use(createHttpPost({ policy, httpsOnly }))
  const context = { ...options, pool: database.pool, tell }
  let givenUp = false
  const isGivenUp = () => givenUp
  const sending = { clock, log, tracer, post: http.post, userAgent, isGivenUp }
  const lanes: Lanes = new Lanes({
    ...context,
    queue,
    loadPage: createPageLoader(context),
    loadEndpoint: createEndpointLoader(context),
    send: (endpoint, due) => send(sending, endpoint, due),
    isGivenUp,
    giveUp: () => {
      givenUp = true
      void http[Symbol.asyncDispose]()
    },
    record: createRecorder(context),
    unhold: (endpoint) => unholdDue(database.pool, endpoint),
    permits,
    judged: (endpoint, change) => logCircuit(log, endpoint, change),
    gone: (endpoint) => {
      void disableGone(options, endpoint, { lanes, tell }).catch((error: unknown) => {
        log.error({ err: error, endpoint: publicId('wh', endpoint.endpointId) }, 'disabling failed')
      })
    },
  })
  return resources.use(lanes)
}

/** The receiver answered 410: it wants nothing any more, until a person says otherwise. */
async function disableGone(
  { clock, log }: EngineOptions,
  { endpointId, workspaceId, version }: LaneEndpoint,
  { lanes, tell }: { lanes: Lanes; tell: Tell },
): Promise<void> {
  const wish = { endpointId, workspaceId, version, reason: 'GONE', at: clock.now() } as const
  if (await disableAndTell(tell, wish)) {
    log.warn(
      { endpoint: publicId('wh', endpointId), workspace: publicId('ws', workspaceId) },
      'endpoint disabled: 410 Gone',
    )
  }
  lanes.refresh(endpointId)
}
