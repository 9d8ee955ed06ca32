import { inTransaction, type Pool, type Queryable } from '../db.ts'
import { newUuid } from '../rules/id.ts'
import {
  type News,
  operationalPayload,
  operationalType,
  operatorWorkspaceId,
  type Subject,
} from '../rules/operational-event.ts'
import { readSubjects } from '../store/operational-subject.ts'
import { type EventRow, insertPublication } from '../store/publication.ts'
import type { Audience, FanOut } from './fan-out.ts'
import { type Prepared, type ReportContext, reportPublished, stamp } from './prepare.ts'

/** A change that was made, and what of it is worth telling. */
export type Made<Result> = { readonly result: Result; readonly news: readonly News[] }

/**
 * Makes a change and stores the operator's events of it in the same transaction. `possible` is what
 * the change may turn out to be: where that is nothing, or nobody subscribes to it, the change is
 * made as if there were no such events.
 */
export type Tell = <Result>(
  possible: readonly News[],
  change: (db: Queryable) => Promise<Made<Result>>,
) => Promise<Result>

/** What telling the operator needs. */
export type TellContext = ReportContext & { readonly pool: Pool; readonly fanOut: FanOut }

/**
 * Whether somebody subscribes is asked once for each change that may be news, of which a batch of
 * results is one. So an endpoint hears of everything after its creation was answered, and what goes
 * well costs nothing.
 */
export function createTell(context: TellContext): Tell {
  const { pool, clock, fanOut } = context
  return async (possible, change) => {
    const types = new Set(possible.filter(isToTell).map(operationalType))
    const audience = types.size === 0 ? null : await fanOut.audience([operatorWorkspaceId])
    const isHeard = (type: string) => audience?.hasSubscribers(operatorWorkspaceId, type) ?? false
    if (audience === null || ![...types].some(isHeard)) return (await change(pool)).result
    const begunAt = clock.now()
    const { result, told } = await inTransaction(pool, async (client) => {
      const made = await change(client)
      const heard = made.news.filter((news) => isToTell(news) && isHeard(operationalType(news)))
      return { result: made.result, told: await store(context, client, { news: heard, audience }) }
    })
    if (told.events.length > 0) reportPublished(context, told, begunAt)
    return result
  }
}

/** The operator's own endpoints are not reported on: reports never feed on themselves. */
function isToTell({ workspaceId }: News): boolean {
  return workspaceId !== operatorWorkspaceId
}

const nothing: Prepared = { events: [], deliveries: [] }

/** All news of a change in two statements, whatever their number. */
async function store(
  { clock }: TellContext,
  client: Queryable,
  { news, audience }: { news: readonly News[]; audience: Audience },
): Promise<Prepared> {
  if (news.length === 0) return nothing
  const at = clock.now()
  const about = new Map(news.map((one) => [one.endpointId, one]))
  const subjects = await readSubjects(client, [...about.values()])
  const subjectOf = new Map(subjects.map((subject) => [subject.endpointId, subject]))
  const events = news.flatMap((one) => {
    const subject = subjectOf.get(one.endpointId)
    return subject ? [eventOf(one, subject, at)] : []
  })
  const deliveries = events.flatMap((event) => audience.deliveriesOf(event, at))
  // An id of its own: results of the operator's endpoints may be stored in this transaction too.
  const changeId = newUuid(at.getTime())
  await insertPublication(client, { events, deliveries, changeId, at, asOf: null })
  return { events, deliveries }
}

function eventOf(news: News, subject: Subject, now: Date): EventRow {
  const eventType = operationalType(news)
  const payloadText = operationalPayload(news, subject)
  const unplanned = { idempotencyKey: null, deliverAt: null }
  const event = { eventType, payloadText, occurredAt: news.at, ...unplanned }
  return stamp({ workspaceId: operatorWorkspaceId, traceparent: null }, event, now)
}
