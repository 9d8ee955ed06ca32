import { setTimeout as pause } from 'node:timers/promises'
import type { Entry, Ledger } from './ledger.ts'
import { monotonicMs } from './monotonic.ts'
import { mutate, type Reply } from './operator.ts'
import type { Tenant } from './tenant.ts'

/** Publishes events and keeps the ledger. */
export type Publisher = {
  /** One event, again and again with its key until somebody says what became of it. */
  readonly publish: (event: EventPlan) => Promise<Entry>
  /** So many a second, whether or not the earlier ones were answered; resolves with the last. */
  readonly publishSteadily: (plan: SteadyPlan) => Promise<void>
}

export type EventPlan = {
  readonly tenant: Tenant
  /** An endpoint's number, or all of the tenant's. */
  readonly to: number | 'all'
  readonly bytes?: number
}

export type SteadyPlan = {
  readonly perSecond: number
  readonly forMs: number
  /** The plan of the event with this number, from 0. */
  readonly event: (index: number) => EventPlan
}

export type PublisherOptions = {
  readonly ledger: Ledger
  readonly key: string
  /** Asked in turn; a try that failed goes on to the next. */
  readonly urls: readonly string[]
}

const retryEveryMs = 100
/** Tries of one event: longer than any fault here lasts. */
const triesMax = 600
const tickMs = 5
const bytesDefault = 512

export function newPublisher({ ledger, key, urls }: PublisherOptions): Publisher {
  let turn = 0

  function ask(entry: Entry): Promise<Reply> {
    const { workspaceId, eventType, payloadText, key: idempotencyKey } = entry
    const url = urls[turn++ % urls.length] ?? ''
    const input = { workspaceId, eventType, payloadText, idempotencyKey }
    return mutate({ url, key, mutation: 'eventPublish', input, fields: 'event { id }' })
  }

  async function publish(plan: EventPlan): Promise<Entry> {
    const entry = ledger.begin(planned(plan, ledger.entries.length))
    for (let tries = 0; tries < triesMax; tries += 1) {
      if (tries > 0) await pause(retryEveryMs)
      const reply = await ask(entry)
      if (reply.outcome === 'ok') entry.eventId = (reply.fields['event'] as { id: string }).id
      await ledger.reply(entry, reply)
      if (reply.outcome !== 'info') break
    }
    return entry
  }

  return {
    publish,
    publishSteadily: async ({ perSecond, forMs, event }) => {
      const startedMs = monotonicMs()
      const all: Promise<Entry>[] = []
      for (;;) {
        const passedMs = Math.min(monotonicMs() - startedMs, forMs)
        while (all.length < (passedMs * perSecond) / 1000) all.push(publish(event(all.length)))
        if (passedMs === forMs) break
        await pause(tickMs)
      }
      await Promise.all(all)
    },
  }
}

function planned({ tenant, to, bytes = bytesDefault }: EventPlan, number: number) {
  const key = `${tenant.workspaceId}-${number}`
  const lead = `{"number":${number},"pad":"`
  const payloadText = `${lead}${'x'.repeat(Math.max(0, bytes - lead.length - 2))}"}`
  const { eventType, targets } = tenant.typeFor(to)
  return { key, workspaceId: tenant.workspaceId, eventType, payloadText, targets }
}
