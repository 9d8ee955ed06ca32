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

  function askOnce(entry: Entry): Promise<Reply> {
    const { workspaceId, eventType, payloadText, key: idempotencyKey } = entry
    const url = urls[turn++ % urls.length] ?? ''
    const input = { workspaceId, eventType, payloadText, idempotencyKey }
    return mutate({ url, key, mutation: 'eventPublish', input, fields: 'replayed event { id }' })
  }

  async function ask(entry: Entry): Promise<Reply> {
    for (let tries = 1; ; tries += 1) {
      const reply = await askOnce(entry)
      if (reply.outcome === 'ok') entry.eventId ??= publishedId(reply)
      await ledger.reply(entry, reply)
      if (reply.outcome !== 'info' || tries === triesMax || stop.aborted) return reply
      await pause(Math.min(firstRetryMs * 2 ** (tries - 1), retryMsMax))
    }
  }

  const begin = (plan: EventPlan) => ledger.begin(planned(plan, ledger.entries.length))

  async function publish(plan: EventPlan): Promise<Entry> {
    const entry = begin(plan)
    await ask(entry)
    return entry
  }

  return {
    ...{ begin, ask, publish },
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

/** Public id of the event that a reply is about. */
export function publishedId({ fields }: Reply): string {
  return (fields['event'] as { id: string }).id
}

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
