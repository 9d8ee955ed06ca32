import { uuidOf } from '../../src/rules/id.ts'
import { addLoad, commonEventType, type Load, type Rig } from './rig.ts'
import { addPartitions, seedEnded, seedWaiting, type SeedWish } from './seed.ts'
import { addEndpoints, addEventTypes, eightAtATime, switchEndpoints } from './workspace.ts'
import type { Settings } from './part.ts'

/** A workspace whose log grows from almost nothing to what the settings say. */
export type GrowthScene = {
  readonly load: Load
  readonly workspaceId: string
  readonly quietEndpointId: string
  /** Of endpoints that get nothing else, one each: a lane that nobody has opened. */
  readonly coldEventTypes: readonly string[]
  /** Disabled; what waits, waits for them. */
  readonly backlogEndpointIds: readonly string[]
}

export const rareEventType = 'bench.rare'
const backlogEventType = 'bench.backlog'
const coldEndpoints = 40
/** Deliveries of a rare kind, whatever else the log holds: a page and a bit. */
const rareEvents = 25
/** The log's days are those that retention keeps by default, but for the last ones. */
const daysMax = 28
const hourMs = 3_600_000

export async function setScene(rig: Rig, { publishers }: Settings): Promise<GrowthScene> {
  const { program, receiver } = rig
  const load = await addLoad(rig, { endpoints: 100, bytes: 1024, publishers })
  const { workspaceId } = load.event
  const coldEventTypes = Array.from({ length: coldEndpoints }, (_, index) => `bench.cold.${index}`)
  await addEventTypes(program, [rareEventType, backlogEventType, ...coldEventTypes])
  await eightAtATime(coldEventTypes, async (eventType, index) => {
    const urls = [`${receiver.origin}/timed/cold/${index}`]
    await addEndpoints(program, { workspaceId, urls, eventType })
  })
  const [quietEndpointId = ''] = await addEndpoints(program, {
    ...{ workspaceId, urls: [`${receiver.origin}/quiet`], eventType: rareEventType },
  })
  const urls = Array.from({ length: 100 }, (_, index) => `${receiver.origin}/backlog/${index}`)
  const backlog = { workspaceId, urls, eventType: backlogEventType }
  const backlogEndpointIds = await addEndpoints(program, backlog)
  await switchEndpoints(program, backlogEndpointIds, 'Disable')
  return { load, workspaceId, quietEndpointId, coldEventTypes, backlogEndpointIds }
}

/** The time that seeded deliveries are spread over. */
export type Span = { readonly since: Date; readonly until: Date }

/**
 * As good as nothing, so that every query has a page to find: of the last hour. The days are all
 * there: so they are wherever the program has run for as long, whatever was published.
 */
export async function seedAlmostNothing(rig: Rig, scene: GrowthScene): Promise<Span> {
  const span = spanOf(hourMs)
  await addPartitions(rig.database.pool, spanOf(daysMax * 24 * hourMs).since)
  await seedLog(rig, scene, { ...span, deliveries: 1_000 })
  return span
}

/** The whole log, in place of what was there: rare rows of the last hour would be found at once. */
export async function seedWeeks(rig: Rig, scene: GrowthScene, deliveries: number): Promise<Span> {
  const span = spanOf(daysMax * 24 * hourMs)
  await rig.database.pool.query('truncate event, delivery, due, attempt, change')
  await addPartitions(rig.database.pool, span.since)
  await seedLog(rig, scene, { ...span, deliveries })
  return span
}

function spanOf(ms: number): Span {
  const until = new Date(Date.now() - 60_000)
  return { since: new Date(until.getTime() - ms), until }
}

/** As autovacuum leaves it in the end: statistics are right, pages are known to be visible. */
async function seedLog(
  rig: Rig,
  scene: GrowthScene,
  wish: Span & { deliveries: number },
): Promise<void> {
  const { pool } = rig.database
  const { deliveries, ...span } = wish
  const common = seedOf(scene, { ...span, deliveries, endpointIds: scene.load.endpointIds })
  await seedEnded(pool, common, { status: 'SUCCEEDED', result: 'SUCCEEDED', statusCode: 200 })
  const rare = {
    ...seedOf(scene, { ...span, deliveries: rareEvents, endpointIds: [scene.quietEndpointId] }),
    eventType: rareEventType,
  }
  await seedEnded(pool, rare, { status: 'FAILED', result: 'HTTP_ERROR', statusCode: 503 })
  await pool.query('vacuum (analyze)')
}

/** Due at once, if it were not for their endpoints, which are disabled. */
export async function seedBacklog(rig: Rig, scene: GrowthScene, deliveries: number): Promise<void> {
  const { pool } = rig.database
  const endpointIds = scene.backlogEndpointIds
  const wish = seedOf(scene, { ...spanOf(hourMs), deliveries, endpointIds })
  await seedWaiting(pool, { ...wish, eventType: backlogEventType })
  await pool.query('vacuum (analyze)')
}

type LogWish = Span & { readonly deliveries: number; readonly endpointIds: readonly string[] }

function seedOf({ workspaceId, load }: GrowthScene, wish: LogWish): SeedWish {
  const { since, until, deliveries, endpointIds } = wish
  return {
    workspaceId: uuidOf('ws', workspaceId) ?? '',
    endpointIds: endpointIds.map((id) => uuidOf('wh', id) ?? ''),
    eventType: commonEventType,
    events: Math.ceil(deliveries / endpointIds.length),
    payloadText: load.event.payloadText,
    since,
    until,
  }
}
