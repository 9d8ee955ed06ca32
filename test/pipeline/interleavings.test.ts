import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cancelDelivery, retryDelivery } from '../../src/control/deliveries.ts'
import { type Database, openDatabase, type Queryable } from '../../src/db.ts'
import { AppError } from '../../src/errors.ts'
import { unknownHealth } from '../../src/rules/circuit.ts'
import { newUuid } from '../../src/rules/id.ts'
import { againIfOvertaken, gaveWay } from '../../src/store/conflict.ts'
import { cancelDue, dueStart, type DueRow, loadDue, mendDue } from '../../src/store/due.ts'
import { purgeDeliveries } from '../../src/store/payload-purge.ts'
import type { DeliveryRow } from '../../src/store/publication.ts'
import { recordResults, type ResultRow } from '../../src/store/result.ts'
import { freshDatabase } from '../support/database.ts'
import { logRows } from '../support/log-rows.ts'

/*
 * One delivery, two lanes that both believe they own it, a person who retries and cancels, and an
 * endpoint that may be deleted: everything that writes to a delivery, in any order, and two at a
 * time. The statements are the program's own, on a real database.
 */

let resources: AsyncDisposableStack
let database: Database
let rows: ReturnType<typeof logRows>
let workspaceId: string

beforeAll(async () => {
  resources = new AsyncDisposableStack()
  const fresh = resources.use(await freshDatabase())
  database = resources.use(await openDatabase(fresh.url))
  rows = logRows(database)
  workspaceId = await rows.addWorkspace()
})

afterAll(() => resources.disposeAsync())

type Ending = 'SUCCEEDED' | 'RETRYING' | 'FAILED'
type Step =
  | { do: 'load'; lane: 0 | 1 }
  | { do: 'record'; lane: 0 | 1; ending: Ending }
  | { do: 'retry' }
  | { do: 'cancel' }
  | { do: 'cancelAll' }
  | { do: 'purge' }

const lane = fc.constantFrom<0 | 1>(0, 1)
const ending = fc.constantFrom<Ending>('SUCCEEDED', 'RETRYING', 'RETRYING', 'FAILED')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('load' as const), lane }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('record' as const), lane, ending }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'retry' }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'cancel' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'cancelAll' }) },
)
/** Each entry is done at once: alone, or two together. */
const story = fc.array(fc.array(step, { minLength: 1, maxLength: 2 }), { maxLength: 12 })

test.each([false, true])(
  'no interleaving breaks a delivery (ordered: %s)',
  async (ordered) => {
    await fc.assert(
      fc.asyncProperty(story, async (entries) => {
        const life = await begin(ordered)
        for (const together of entries) {
          await Promise.all(together.map((one) => life.perform(one)))
          await life.check({ settled: together.length === 1 })
        }
        await life.drain()
      }),
      { numRuns: 60 },
    )
  },
  60_000,
)

test.each<Step>([{ do: 'record', lane: 0, ending: 'SUCCEEDED' }, { do: 'cancelAll' }])(
  'what was overtaken by a person comes behind them: %j',
  async (step) => {
    const life = await begin(false)
    await life.perform({ do: 'load', lane: 0 })
    await life.perform({ do: 'record', lane: 0, ending: 'RETRYING' })
    await life.perform({ do: 'load', lane: 0 })
    const early = await database.pool.connect()
    await early.query('begin; select pg_current_xact_id()')
    await life.perform({ do: 'retry' })

    const overtaken = await life.perform(step, early).catch((error: unknown) => error)
    await early.query('rollback')
    early.release()

    expect(gaveWay(overtaken)).toBe(true)
  },
)

async function begin(ordered: boolean) {
  const endpointId = await rows.addEndpoint(workspaceId)
  await database.pool.query('update endpoint set ordered = $2 where id = $1', [endpointId, ordered])
  const [delivery] = await rows.publish({ workspaceId, endpointIds: [endpointId] })
  if (!delivery) throw new Error('Nothing was published.')
  let nowMs = Date.now()
  // Every act has a time of its own, as it would in a program that does more than this.
  const clock = { now: () => new Date((nowMs += 10)) }
  const loaded: (DueRow | null)[] = [null, null]
  let counted = 0
  /** Whether a row of `due` may disagree until a refused result has it mended. */
  let inDoubt = false

  async function load(at: 0 | 1): Promise<void> {
    const wish = { endpointId, workspaceId, after: dueStart, rowsMax: 10 }
    const [row] = await loadDue(database.pool, [wish], new Date(nowMs + 1e9))
    loaded[at] = row ?? null
  }

  async function record(at: 0 | 1, end: Ending, db: Queryable): Promise<void> {
    const due = loaded[at]
    if (!due) return
    loaded[at] = null
    const now = clock.now()
    const result = resultOf(due, { end, ordered, now })
    const health = { ...unknownHealth, endpointId, workspaceId, asOf: now }
    const changeId = newUuid(now.getTime())
    const batch = { results: [result], health: [health], changeId, at: now }
    const stored = await again(db, () => recordResults(db, batch))
    if (stored.size === 1) counted += 1
    else await mendDue(database.pool, [due])
  }

  async function act(what: 'retry' | 'cancel'): Promise<void> {
    const ports = {
      ...{ clock, database, hub: { changed: () => {} } },
      wake: { lanes: async () => {}, endpointChanged: () => {} },
    }
    const doIt = what === 'retry' ? retryDelivery : cancelDelivery
    await doIt(ports, { workspaceId, id: delivery?.deliveryId ?? '' }).catch((error: unknown) => {
      if (!(error instanceof AppError) || error.code !== 'INVALID_STATE') throw error
    })
  }

  async function cancelAll(db: Queryable): Promise<void> {
    const at = clock.now()
    const changeId = newUuid(at.getTime())
    const wish = { endpointId, workspaceId, changeId, at, limit: 10 }
    await again(db, () => cancelDue(db, wish))
  }

  async function purge(db: Queryable): Promise<void> {
    const at = clock.now()
    const [changeId, auditEntryId] = [newUuid(at.getTime()), newUuid(at.getTime())]
    const actor = { type: 'SYSTEM', apiKeyId: null, apiKeyName: null } as const
    const key = { workspaceId, id: delivery?.event.eventId ?? '' }
    await purgeDeliveries(db, { key, actor, at, auditEntryId, changeId })
  }

  function perform(one: Step, db: Queryable = database.pool): Promise<void> {
    if (one.do === 'load') return load(one.lane)
    if (one.do === 'record') return record(one.lane, one.ending, db)
    if (one.do === 'purge') return purge(db)
    return one.do === 'cancelAll' ? cancelAll(db) : act(one.do)
  }

  async function check({ settled }: { settled: boolean }): Promise<void> {
    const state = await stateOf(delivery as DeliveryRow)
    inDoubt ||= !settled
    expect(state.attempts, 'attempts are numbered from 1').toEqual(
      Array.from({ length: state.attemptCount }, (_, index) => index + 1),
    )
    expect(state.attemptCount, 'each result that counted is an attempt').toBe(counted)
    expect(state.lastChange, 'the feed shows where it is').toBe(state.status)
    if (inDoubt) return
    const waits = state.status === 'PENDING' || state.status === 'RETRYING'
    const { attemptCount, nextAttemptAt } = state
    expect(state.due).toEqual(waits ? [{ attemptCount, nextAttemptAt }] : [])
  }

  /** Whatever happened, the next lane finds what is left, and ends it. */
  async function drain(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      await load(0)
      await record(0, 'SUCCEEDED', database.pool)
    }
    const state = await stateOf(delivery as DeliveryRow)
    expect(state.due).toEqual([])
    expect(['SUCCEEDED', 'FAILED', 'CANCELED']).toContain(state.status)
  }
  return { perform, check, drain }
}

/** Inside a transaction it would only fail again. */
function again<Result>(db: Queryable, run: () => Promise<Result>): Promise<Result> {
  return db === database.pool ? againIfOvertaken(run) : run()
}

type Attempted = { readonly end: Ending; readonly ordered: boolean; readonly now: Date }

function resultOf(due: DueRow, { end, ordered, now }: Attempted): ResultRow {
  const next = end === 'RETRYING' ? new Date(now.getTime() + 5_000) : null
  const { deliveryId, workspaceId, endpointId } = due
  return {
    ...{ deliveryId, workspaceId, endpointId, status: end, startedAt: now, durationMs: 1 },
    ...{ loadedDueAt: due.dueAt, loadedNextAt: due.heldUntil ?? due.dueAt },
    ...{ number: due.attemptCount + 1, trigger: due.attemptTrigger, failures: due.failures + 1 },
    ...{ nextAttemptAt: next, nextDueAt: ordered && next ? due.dueAt : next },
    result: end === 'SUCCEEDED' ? 'SUCCEEDED' : 'HTTP_ERROR',
    ...{ errorMessage: null, url: 'https://example.com/', requestHeaders: '' },
    ...{ statusCode: null, responseHeaders: null, responseBody: null },
    responseBodyTruncated: false,
  }
}

async function stateOf({ deliveryId }: DeliveryRow) {
  const { rows } = await database.pool.query(
    `select status, attempt_count as "attemptCount", next_attempt_at as "nextAttemptAt",
      (select coalesce(array_agg(number order by number), '{}') from attempt
        where delivery_id = delivery.id) as attempts,
      (select coalesce(json_agg(json_build_object(
          'attemptCount', attempt_count, 'nextAttemptAt', coalesce(held_until, due_at))), '[]')
        from due where delivery_id = delivery.id) as due,
      (select statuses[1]::text from change where delivery_ids[1] = delivery.id
        order by xid desc limit 1) as "lastChange"
     from delivery where id = $1`,
    [deliveryId],
  )
  const [state] = rows
  type Due = { attemptCount: number; nextAttemptAt: string }
  const due = (state.due as Due[]).map(({ attemptCount, nextAttemptAt }) => {
    return { attemptCount, nextAttemptAt: new Date(nextAttemptAt) }
  })
  return { ...state, due }
}
