import { setTimeout as pause } from 'node:timers/promises'
import type { Entry, Ledger } from './ledger.ts'
import { monotonicMs } from './monotonic.ts'
import { mutate, type Reply } from './operator.ts'
import type { Tenant } from './tenant.ts'

/** Publishes events and keeps the ledger. */
export type Publisher = {
  /** Enters an event that nobody was asked for yet. */
  readonly begin: (plan: EventPlan) => Entry
  /** Asks, again and again with the same key, until somebody says what became of it. */
  readonly ask: (entry: Entry) => Promise<Reply>
  /** Both: one event. */
  readonly publish: (plan: EventPlan) => Promise<Entry>
  /** Many events in one request. With another key than the operator's it may be refused. */
  readonly publishBatch: (plans: readonly EventPlan[], key?: string) => Promise<Reply>
  /** So many a second, whether or not the earlier ones were answered; resolves with the last. */
  readonly publishSteadily: (plan: SteadyPlan) => Promise<Entry[]>
}

export type EventPlan = {
  readonly tenant: Tenant
  /** An endpoint's number, or all of the tenant's. */
  readonly to: number | 'all'
  readonly bytes?: number
}

export type SteadyPlan = {
  readonly perSecond: number
  /** For so long, or until `until`. */
  readonly forMs?: number
  readonly until?: AbortSignal
  /** The plan of the event with this number, from 0. */
  readonly event: (index: number) => EventPlan
}

export type PublisherOptions = {
  readonly ledger: Ledger
  readonly key: string
  /** Asked in turn; a try that failed goes on to the next. */
  readonly urls: readonly string[]
  /** Nobody asks any further. */
  readonly stop: AbortSignal
}

const firstRetryMs = 100
const retryMsMax = 2_000
/** Tries of one event: longer than any fault here lasts. */
const triesMax = 60
const tickMs = 5
const bytesDefault = 512

export function newPublisher({ ledger, key, urls, stop }: PublisherOptions): Publisher {
  let turn = 0

  /** Until the outcome is known, or nobody wants to know any more. */
  async function settle(entries: readonly Entry[], askOnce: (url: string) => Promise<Reply>) {
    for (let tries = 1; ; tries += 1) {
      const reply = await askOnce(urls[turn++ % urls.length] ?? '')
      if (reply.outcome === 'ok') accept(entries, reply)
      await Promise.all(entries.map((entry) => ledger.reply(entry, reply)))
      if (reply.outcome !== 'info' || tries === triesMax || stop.aborted) return reply
      await pause(Math.min(firstRetryMs * 2 ** (tries - 1), retryMsMax))
    }
  }

  const begin = (plan: EventPlan) => ledger.begin(planned(plan, ledger.entries.length))

  function ask(entry: Entry): Promise<Reply> {
    const input = { workspaceId: entry.workspaceId, ...eventInput(entry) }
    const question = { key, mutation: 'eventPublish', input, fields: 'replayed event { id }' }
    return settle([entry], (url) => mutate({ ...question, url }))
  }

  async function publish(plan: EventPlan): Promise<Entry> {
    const entry = begin(plan)
    await ask(entry)
    return entry
  }

  return {
    ...{ begin, ask, publish },
    publishBatch: (plans, otherKey = key) => {
      const entries = plans.map(begin)
      const input = { workspaceId: entries[0]?.workspaceId, events: entries.map(eventInput) }
      const question = { mutation: 'eventPublishBatch', input, fields: 'events { id }' }
      return settle(entries, (url) => mutate({ ...question, key: otherKey, url }))
    },
    publishSteadily: async ({ perSecond, forMs = Infinity, until, event }) => {
      const startedMs = monotonicMs()
      const all: Promise<Entry>[] = []
      for (;;) {
        const passedMs = Math.min(monotonicMs() - startedMs, forMs)
        while (all.length < (passedMs * perSecond) / 1000) all.push(publish(event(all.length)))
        if (passedMs === forMs || until?.aborted || stop.aborted) return Promise.all(all)
        await pause(tickMs)
      }
    },
  }
}

function eventInput({ eventType, payloadText, key }: Entry) {
  return { eventType, payloadText, idempotencyKey: key }
}

function accept(entries: readonly Entry[], reply: Reply): void {
  const ids = publishedIds(reply)
  entries.forEach((entry, index) => (entry.eventId ??= ids[index] ?? null))
}

/** Public ids of the events that a reply is about, in the order in which they were asked for. */
export function publishedIds({ fields }: Reply): string[] {
  const { event, events } = fields as { event?: Node; events?: Node[] }
  return (events ?? (event ? [event] : [])).map(({ id }) => id)
}

type Node = { readonly id: string }

/** Each event to the next endpoint, in turn. */
export function inTurn(tenant: Tenant): SteadyPlan['event'] {
  const { endpoints } = tenant
  return (index) => ({ tenant, to: endpoints[index % endpoints.length] ?? 'all' })
}

function planned({ tenant, to, bytes = bytesDefault }: EventPlan, number: number) {
  const key = `${tenant.workspaceId}-${number}`
  const lead = `{"number":${number},"pad":"`
  const payloadText = `${lead}${'x'.repeat(Math.max(0, bytes - lead.length - 2))}"}`
  const { eventType, targets } = tenant.typeFor(to)
  return { key, workspaceId: tenant.workspaceId, eventType, payloadText, targets }
}
