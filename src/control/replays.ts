import type { EntityManager } from '@mikro-orm/postgresql'
import { z } from 'zod'
import { AppError, type InputIssue, invalidInput, notFound } from '../errors.ts'
import { dayMs } from '../limits.ts'
import { fullReplayEveryMs, replaySliceStart } from '../limits/replays.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { allEndedStatuses, type EndedStatus, type Replay, ReplayEntity } from '../model/replay.ts'
import type { DeliveryStatus } from '../rules/delivery-state.ts'
import { matches } from '../rules/event-match.ts'
import type { Facts } from '../rules/facts.ts'
import { newUuid, publicId } from '../rules/id.ts'
import { lockEndpoint, type TenantKey } from '../store/endpoint.ts'
import { listEventTypeNames } from '../store/event-type.ts'
import { startOfDay } from '../store/partition.ts'
import { beforeEventsOf } from '../store/replay-events.ts'
import { findFullReplay, findRunningReplay, lockReplay } from '../store/replay.ts'
import { noteChange } from './audit.ts'
import { endpointFields, patternsOf } from './endpoint-fields.ts'
import { requireEnabled } from './endpoint-ping.ts'
import { readInput } from './input.ts'
import type { ControlPorts } from './ports.ts'
import { requireKnownTypes } from './subscription-check.ts'

const typesGiven = z.object({ eventTypes: endpointFields.eventTypes })

/** Which events an endpoint is to get again. */
export type ReplayWish = {
  /** Null: from the oldest that are kept. */
  readonly since: Date | null
  /** Null: to now. */
  readonly until: Date | null
  /** Of the last delivery of each event; empty: of any, and events without one as well. */
  readonly statuses: readonly DeliveryStatus[]
  /** Names and prefixes; null: any type. */
  readonly eventTypes: readonly string[] | null
}

/** What replays need besides. */
export type ReplayPorts = Pick<ControlPorts, 'actor' | 'clock' | 'database'> & {
  readonly config: { readonly retentionDays: number }
}

/**
 * Begins a replay. INVALID_STATE where the endpoint is disabled or has one that is running,
 * LIMIT_EXCEEDED for a second one without statuses within a day.
 */
export async function startReplay(
  ports: ReplayPorts,
  key: TenantKey,
  wish: ReplayWish,
): Promise<Replay> {
  const now = ports.clock.now()
  const range = readRange(wish, { now, retentionDays: ports.config.retentionDays })
  const statuses = readStatuses(wish.statuses)
  return ports.database.orm.em.fork().transactional(async (em) => {
    // Locked, so that of two that are asked for at once the second sees the first.
    const endpoint = await lockEndpoint(em, key)
    if (!endpoint) throw notFound('Endpoint')
    requireEnabled(endpoint)
    const isFull = statuses.length === 0
    if (isFull) await requireNoFullReplay(em, key, now)
    await requireNoneRunning(em, key)
    const eventTypes = await namesMeant(em, endpoint, { ...wish, isFull })
    const replay = em.create(ReplayEntity, {
      ...{ id: newUuid(now.getTime()), workspaceId: key.workspaceId, endpointId: key.id },
      ...{ ...range, eventTypes, isFull, statuses: isFull ? [...allEndedStatuses] : statuses },
      ...{ status: 'RUNNING', matched: 0, created: 0, createdAt: now, completedAt: null },
      ...{ seenTo: beforeEventsOf(range.since), sliceSize: replaySliceStart, nextTurnAt: now },
    })
    em.persist(replay)
    const after = replayFacts(replay)
    noteChange(ports, em, { action: 'REPLAY_STARTED', ...targetOf(replay), before: null, after })
    return replay
  })
}

/** Ends a replay. What it made stays as it is. INVALID_STATE where it has ended already. */
export async function cancelReplay(ports: ReplayPorts, key: TenantKey): Promise<Replay> {
  return ports.database.orm.em.fork().transactional(async (em) => {
    const replay = await lockReplay(em, key)
    if (!replay) throw notFound('Replay')
    if (replay.status !== 'RUNNING') {
      throw new AppError('INVALID_STATE', `This replay has ended: it is ${replay.status}.`)
    }
    replay.status = 'CANCELED'
    replay.completedAt = ports.clock.now()
    const sides = { before: { status: 'RUNNING' }, after: { status: replay.status } }
    noteChange(ports, em, { action: 'REPLAY_CANCELED', ...targetOf(replay), ...sides })
    return replay
  })
}

function targetOf({ id, workspaceId }: Replay) {
  return { workspaceId, targetId: id }
}

function replayFacts({ endpointId, since, until, statuses, eventTypes, isFull }: Replay): Facts {
  const range = { since: since.toISOString(), until: until.toISOString() }
  const wanted = { statuses: isFull ? null : statuses, eventTypes: eventTypes ?? null }
  return { endpointId: publicId('wh', endpointId), createdAt: range, ...wanted }
}

/** Nothing is left out in silence: a range that begins before what is kept is refused. */
function readRange(
  { since, until }: ReplayWish,
  { now, retentionDays }: { readonly now: Date; readonly retentionDays: number },
): { readonly since: Date; readonly until: Date } {
  const keptFrom = startOfDay(new Date(now.getTime() - retentionDays * dayMs))
  const refuse = (end: 'since' | 'until', message: string) => {
    return invalidInput([{ path: ['createdAt', end], message }])
  }
  const first = keptFrom.toISOString()
  const gone = `events are kept for ${retentionDays} days; those before ${first} are gone.`
  if (since !== null && since < keptFrom) throw refuse('since', gone)
  if (until !== null && until <= keptFrom) throw refuse('until', gone)
  if (since !== null && since >= now) throw refuse('since', 'must be in the past.')
  return { since: since ?? keptFrom, until: until !== null && until < now ? until : now }
}

function readStatuses(given: readonly DeliveryStatus[]): EndedStatus[] {
  const issues = given.flatMap((status, index): InputIssue[] => {
    if (isEnded(status)) return []
    const message = `what is ${status} waits for its attempt already; ask for ended states.`
    return [{ path: ['statuses', String(index)], message }]
  })
  if (issues.length > 0) throw invalidInput(issues)
  return given.filter(isEnded)
}

function isEnded(status: DeliveryStatus): status is EndedStatus {
  return status !== 'PENDING' && status !== 'RETRYING'
}

async function requireNoFullReplay(em: EntityManager, key: TenantKey, now: Date): Promise<void> {
  const since = new Date(now.getTime() - fullReplayEveryMs)
  const last = await findFullReplay(em, { ...key, since })
  if (!last) return
  const again = new Date(last.createdAt.getTime() + fullReplayEveryMs).toISOString()
  const message =
    `An endpoint has one replay without statuses a day. The last began at ` +
    `${last.createdAt.toISOString()}; the next may begin at ${again}.`
  throw new AppError('LIMIT_EXCEEDED', message, { limit: 1 })
}

async function requireNoneRunning(em: EntityManager, key: TenantKey): Promise<void> {
  const running = await findRunningReplay(em, key)
  if (!running) return
  const id = publicId('rpl', running.id)
  const message = `The endpoint has a replay that is running, ${id}. Wait for its end or cancel it.`
  throw new AppError('INVALID_STATE', message)
}

/**
 * The exact names of the types that are meant, null for all: of a full replay what the endpoint
 * subscribes to now. Every event's type but a ping's is in the catalogue.
 */
async function namesMeant(
  em: EntityManager,
  endpoint: Endpoint,
  { eventTypes, isFull }: Pick<ReplayWish, 'eventTypes'> & { readonly isFull: boolean },
): Promise<string[] | null> {
  const given = eventTypes && readInput(typesGiven, { eventTypes }).eventTypes
  const { workspaceId } = endpoint
  if (given) await requireKnownTypes(em, { workspaceId, list: given, had: given })
  const wanted = given ? patternsOf(given) : ['*']
  const all = [wanted, ...(isFull ? [endpoint.eventTypes] : [])]
  if (all.every((patterns) => patterns.includes('*'))) return null
  const names = await listEventTypeNames(em)
  return names.filter((name) => all.every((patterns) => matches(patterns, name)))
}
