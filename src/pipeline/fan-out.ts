import type { Pool } from '../db.ts'
import { notFound } from '../errors.ts'
import { subscriptionCachesMax } from '../limits.ts'
import { compileSubscriptions, type Subscriptions } from '../rules/event-match.ts'
import { newDeliveryUuid, uuidTime } from '../rules/id.ts'
import type { DeliveryRow, EventRow } from '../store/publication.ts'
import {
  readSubscriptions,
  readVersions,
  type SubscriptionRow,
  type SubscriptionVersions,
} from '../store/subscription.ts'
import { Catalogue } from './catalogue.ts'

/** Who receives what in one workspace, as of `version`. */
type CompiledWorkspace = {
  readonly version: string
  readonly subscriptions: Subscriptions
  readonly disabled: ReadonlySet<string>
}

/** What one batch of publishes is checked and fanned out with. */
export type Audience = {
  /** Null: as read for this batch. Otherwise as remembered, so it counts if this still holds. */
  readonly asOf: SubscriptionVersions | null
  readonly catalogue: Catalogue
  /** One delivery for each endpoint that subscribes to the event's type. */
  readonly deliveriesOf: (event: EventRow, now: Date) => DeliveryRow[]
  readonly requireWorkspace: (workspaceId: string) => void
  /** Whether any endpoint of the workspace, disabled ones included, subscribes to the type. */
  readonly hasSubscribers: (workspaceId: string, eventType: string) => boolean
}

type Compiled = ReadonlyMap<string, CompiledWorkspace>

/**
 * Subscriptions and catalogue are kept in memory. Each batch compares their versions with the
 * stored ones, before or while it is stored, so a change made anywhere holds for every event
 * published after it was answered.
 */
export class FanOut {
  readonly #pool: Pool
  readonly #workspaces = new Map<string, CompiledWorkspace>()
  #catalogue = new Catalogue('', [])

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** Never older than the call. */
  async audience(workspaceIds: readonly string[]): Promise<Audience> {
    const versions = await readVersions(this.#pool, workspaceIds)
    const catalogue = await this.#catalogue.refreshed(this.#pool, versions.catalogue)
    this.#catalogue = catalogue
    for (const id of workspaceIds) if (!versions.workspaces.has(id)) this.#workspaces.delete(id)
    return audienceOf(catalogue, await this.#compile(versions.workspaces), null)
  }

  /** As it was when it was last read; null: some of it is not known. */
  remembered(workspaceIds: readonly string[]): Audience | null {
    const compiled = new Map<string, CompiledWorkspace>()
    for (const id of workspaceIds) {
      const known = this.#workspaces.get(id)
      if (!known) return null
      compiled.set(id, known)
      this.#keep(id, known)
    }
    const workspaces = new Map([...compiled].map(([id, { version }]) => [id, version]))
    const catalogue = this.#catalogue
    return audienceOf(catalogue, compiled, { workspaces, catalogue: catalogue.version })
  }

  /**
   * What this batch uses is its own from the first look at the cache on: a batch beside it may
   * have begun earlier and put older rows there, or have made room.
   */
  async #compile(versions: ReadonlyMap<string, string>): Promise<Compiled> {
    const compiled = new Map<string, CompiledWorkspace>()
    for (const [id, version] of versions) {
      const cached = this.#workspaces.get(id)
      if (cached?.version === version) compiled.set(id, cached)
    }
    const stale = [...versions].filter(([id]) => !compiled.has(id))
    const ids = stale.map(([id]) => id)
    const rows = ids.length === 0 ? [] : await readSubscriptions(this.#pool, ids)
    const byWorkspace = Map.groupBy(rows, (row) => row.workspaceId)
    for (const [id, version] of stale) compiled.set(id, compile(version, byWorkspace.get(id) ?? []))
    for (const [id, one] of compiled) this.#keep(id, one)
    return compiled
  }

  /** The most recently used stay. */
  #keep(workspaceId: string, compiled: CompiledWorkspace): void {
    this.#workspaces.delete(workspaceId)
    this.#workspaces.set(workspaceId, compiled)
    const [oldest] = this.#workspaces.keys()
    if (this.#workspaces.size > subscriptionCachesMax && oldest) this.#workspaces.delete(oldest)
  }
}

function audienceOf(
  catalogue: Catalogue,
  compiled: Compiled,
  asOf: SubscriptionVersions | null,
): Audience {
  return {
    asOf,
    catalogue,
    requireWorkspace: (workspaceId) => {
      if (!compiled.has(workspaceId)) throw notFound('Workspace')
    },
    deliveriesOf: (event, now) => deliveriesOf(compiled.get(event.workspaceId), event, now),
    hasSubscribers: (workspaceId, eventType) => {
      const targets = compiled.get(workspaceId)?.subscriptions.targetsOf(eventType)
      return targets !== undefined && targets.length > 0
    },
  }
}

function compile(version: string, rows: readonly SubscriptionRow[]): CompiledWorkspace {
  return {
    version,
    subscriptions: compileSubscriptions(
      rows.map((row) => ({ endpointId: row.endpointId, patterns: row.eventTypes })),
    ),
    disabled: new Set(rows.filter((row) => !row.enabled).map((row) => row.endpointId)),
  }
}

/** A disabled endpoint gets its delivery too, suppressed, so that it can be replayed. */
function deliveriesOf(
  compiled: CompiledWorkspace | undefined,
  event: EventRow,
  now: Date,
): DeliveryRow[] {
  if (!compiled) return []
  return compiled.subscriptions.targetsOf(event.eventType).map((endpointId) => {
    const deliveryId = newDeliveryUuid(now.getTime())
    return {
      ...{ deliveryId, endpointId, event, workspaceId: event.workspaceId, trigger: 'EVENT' },
      status: compiled.disabled.has(endpointId) ? 'SUPPRESSED' : 'PENDING',
      dueAt: dueAtOf(event, uuidTime(deliveryId)),
    }
  })
}

/**
 * From its creation on, or later where that is asked for. By the time in its id, which never goes
 * back in a process: an ordered lane goes by it.
 */
function dueAtOf({ deliverAt }: EventRow, createdAtMs: number): Date {
  return new Date(Math.max(deliverAt?.getTime() ?? 0, createdAtMs))
}
