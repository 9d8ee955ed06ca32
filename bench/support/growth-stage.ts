import { findDueEndpoints } from '../../src/store/due.ts'
import { beforeAllIds } from '../../src/store/slice.ts'
import { rareEventType, type GrowthScene, type Span } from './growth-scene.ts'
import { measureQueries, type QueryTimes } from './log-queries.ts'
import type { Settings } from './part.ts'
import { openClients, publishRequest, stampedPayload } from './publishing.ts'
import type { Rig } from './rig.ts'
import { median, quantile } from './statistics.ts'
import { deliver, measureThroughput, middleOf, type Round } from './throughput.ts'
import type { UndiciLimit } from './undici-limit.ts'
import { switchEndpoints } from './workspace.ts'

/** What growth is measured on. */
export type GrowthBench = {
  readonly rig: Rig
  readonly scene: GrowthScene
  readonly limit: UndiciLimit
  readonly settings: Settings
}

/** Throughput, as a share of what undici alone sends in the same minutes. */
export type Rate = Pick<Round, 'deliveredPerSecond' | 'micros'> & { readonly ratio: number }

/** One size of the log. */
export type Stage = { readonly rate: Rate; readonly times: readonly QueryTimes[] }

/** Lists first: throughput leaves rows behind. */
export async function measureStage(bench: GrowthBench, span: Span): Promise<Stage> {
  const { rig, scene, limit, settings } = bench
  const { workspaceId, quietEndpointId, load } = scene
  const { endpointIds } = load
  const eventId = await newestEvent(rig, workspaceId)
  const ids = { workspaceId, endpointIds, quietEndpointId, rareEventType, eventId }
  const queries = await measureQueries(rig.program, { ...ids, ...span })
  const lanes = [await measureColdLanes(rig, scene), await measureSweep(rig)]
  const rate = await measureThroughput({ rig, load, limit }, settings)
  return { rate, times: [...lanes, ...queries] }
}

async function newestEvent({ program }: Rig, workspaceId: string): Promise<string> {
  const { events } = await program.ask<{ events: { nodes: { id: string }[] } }>(
    'query ($workspaceId: ID!) { events(workspaceId: $workspaceId, first: 1) { nodes { id } } }',
    { workspaceId },
  )
  return events.nodes[0]?.id ?? ''
}

/** One event after the other, each for an endpoint whose lane nobody owns. */
async function measureColdLanes(
  { program, receiver }: Rig,
  scene: GrowthScene,
): Promise<QueryTimes> {
  const { workspaceId, coldEventTypes } = scene
  using clients = openClients(program, 1)
  await receiver.takeArrivals()
  for (const eventType of coldEventTypes) {
    const received = await receiver.count()
    await clients.send(publishRequest({ workspaceId, eventType, payloadText: stampedPayload() }))
    await receiver.reached(received + 1)
  }
  const arrivals = await receiver.takeArrivals()
  const times = arrivals.map(({ latencyMs }) => latencyMs)
  return timesOf('publishing to receiver, lane not open', times)
}

/** What every worker asks every second. */
async function measureSweep({ database }: Rig): Promise<QueryTimes> {
  const times: number[] = []
  while (times.length < 20) {
    const started = performance.now()
    await findDueEndpoints(database.pool, { until: new Date(), after: beforeAllIds, limit: 1_000 })
    times.push(performance.now() - started)
  }
  return timesOf('sweep for lanes with due work', times)
}

function timesOf(name: string, times: readonly number[]): QueryTimes {
  return { name, p50: median(times), p95: quantile(times, 0.95) }
}

/**
 * The endpoints of the backlog are enabled. A round is still so many deliveries published and as
 * many sent, the old ones among them. The limit can only be taken before and after.
 */
export async function measureCatchingUp(bench: GrowthBench): Promise<Rate> {
  const { rig, scene, limit, settings } = bench
  const { deliveries } = settings
  const before = await limit.measure(deliveries)
  await switchEndpoints(rig.program, scene.backlogEndpointIds, 'Enable')
  await deliver(rig, scene.load, deliveries)
  const rounds: Round[] = []
  while (rounds.length < settings.rounds) rounds.push(await deliver(rig, scene.load, deliveries))
  await switchEndpoints(rig.program, scene.backlogEndpointIds, 'Disable')
  await untilQuiet(rig)
  const after = await limit.measure(deliveries)
  const middle = middleOf(rounds)
  const ratio = (2 * middle.deliveredPerSecond) / (before.perSecond + after.perSecond)
  return { ...middle, ratio }
}

/** Until nothing more is recorded. */
async function untilQuiet({ receiver }: Rig): Promise<void> {
  let seen = -1
  for (let now = await receiver.count(); now !== seen; now = await receiver.count()) {
    seen = now
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}
