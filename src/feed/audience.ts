import type { DeliveryStatus } from '../rules/delivery-state.ts'
import type { ChangePosition } from '../store/change.ts'
import type { FeedChange } from './change.ts'

/** News of one workspace: its changes between two places, in the feed's order. */
export type News = {
  readonly from: ChangePosition
  readonly changes: readonly FeedChange[]
  readonly upTo: ChangePosition
}

/** One of those who follow a workspace. The conditions may let through more than it wants. */
export type Listener = {
  /** Null: of all endpoints. */
  readonly endpointIds: readonly string[] | null
  /** Null: to any status. */
  readonly statuses: readonly DeliveryStatus[] | null
  readonly withAttempts: boolean
  /** Called where there are changes that may concern it, with these. */
  readonly hear: (news: News) => void
  /** There are news that were not made for it as well: it is to read the table. */
  readonly miss: () => void
}

/** What news must hold so that every listener finds what it wants. */
export type Wanted = {
  /** Null: changes to any status. */
  readonly statuses: ReadonlySet<DeliveryStatus> | null
  readonly attempts: boolean
}

/** Those who follow a workspace. */
export type Audience = {
  readonly add: (listener: Listener) => void
  readonly delete: (listener: Listener) => void
  readonly isEmpty: () => boolean
  /** What is wanted by those who listen now. Who comes later misses the news made of it. */
  readonly prepare: () => Wanted
  readonly tell: (news: News) => void
}

/**
 * A thousand listeners that watch an endpoint each would cost a thousand looks at every change:
 * with 10,000 changes a second, one processor. So these are found by their endpoint, and only the
 * others look at every change.
 */
export function newAudience(): Audience {
  const listeners = new Set<Listener>()
  const newcomers = new Set<Listener>()
  const byEndpoint = new Map<string | null, Set<Listener>>()
  return {
    add: (listener) => {
      listeners.add(listener)
      newcomers.add(listener)
      const place = placeOf(listener)
      byEndpoint.set(place, (byEndpoint.get(place) ?? new Set()).add(listener))
    },
    delete: (listener) => {
      listeners.delete(listener)
      newcomers.delete(listener)
      const neighbours = byEndpoint.get(placeOf(listener))
      neighbours?.delete(listener)
      if (neighbours?.size === 0) byEndpoint.delete(placeOf(listener))
    },
    isEmpty: () => listeners.size === 0,
    prepare: () => {
      newcomers.clear()
      return wantedBy(listeners)
    },
    tell: (news) => {
      const hear = (listener: Listener, some: News) => {
        if (!newcomers.has(listener)) listener.hear(some)
      }
      for (const listener of newcomers) listener.miss()
      for (const listener of byEndpoint.get(null) ?? []) hear(listener, news)
      const groups = Map.groupBy(news.changes, ({ delivery }) => delivery.endpointId)
      for (const [endpointId, changes] of groups) {
        const some = { ...news, changes }
        for (const listener of byEndpoint.get(endpointId) ?? []) hear(listener, some)
      }
    },
  }
}

/** The one endpoint it watches; null: several or all. */
function placeOf({ endpointIds }: Listener): string | null {
  return endpointIds?.length === 1 ? (endpointIds[0] ?? null) : null
}

function wantedBy(listeners: ReadonlySet<Listener>): Wanted {
  const all = [...listeners]
  const lists = all.map(({ statuses }) => statuses)
  return {
    statuses: lists.includes(null) ? null : new Set(lists.flatMap((statuses) => statuses ?? [])),
    attempts: all.some(({ withAttempts }) => withAttempts),
  }
}
