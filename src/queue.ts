import { PgBoss, type Db } from 'pg-boss'
import { leaseSeconds } from './limits.ts'

const laneQueue = 'lane'

/** A lane this process owns, for as long as its heartbeat is renewed. */
export type LaneClaim = {
  readonly endpointId: string
  readonly jobId: string
  /** Fences a claim that lapsed: the job's next owner has another one. */
  readonly retryCount: number
}

/**
 * The queue of lanes. A job says "this endpoint has due work" and nothing else; its key is the
 * endpoint, so at most one waits and one runs, whatever the backlog.
 */
export type LaneQueue = {
  /** One waiting job for each endpoint that has none yet. */
  readonly wake: (endpointIds: readonly string[]) => Promise<void>
  /** Takes up to `count` waiting lanes that nobody owns. */
  readonly claim: (count: number) => Promise<LaneClaim[]>
  /** Renews the lease. Answers the claims that are still ours. */
  readonly renew: (claims: readonly LaneClaim[]) => Promise<Set<string>>
  readonly release: (claims: readonly LaneClaim[]) => Promise<void>
  /** Those of the given endpoints for which no job waits or runs. */
  readonly unattended: (endpointIds: readonly string[]) => Promise<string[]>
}

/** What pg-boss answers to `touch`, where its types say nothing. */
type RenewedClaims = { readonly settled?: readonly string[] }

type LaneJob = { readonly endpointId: string }

/** Creates or upgrades pg-boss' tables and the one queue in them. */
export async function installQueue(url: string): Promise<void> {
  const boss = new PgBoss({ connectionString: url, max: 2, supervise: false, schedule: false })
  boss.on('error', () => {}) // reported by the calls themselves
  await boss.start()
  try {
    await boss.createQueue(laneQueue, {
      // The other policies fail at "one waits, one runs": with `stately` one key blocks all.
      policy: 'short',
      heartbeatSeconds: leaseSeconds,
      // A lane gives itself back long before this; see laneTenureMs.
      expireInSeconds: 3600,
      retryLimit: 1_000_000,
      retryDelay: 0,
      deleteAfterSeconds: 60,
    })
  } finally {
    await boss.stop({ graceful: false })
  }
}

/** Starts pg-boss on the given connections. Its supervisor takes lanes from owners that died. */
export async function openQueue(db: Db, onError: (error: Error) => void) {
  const boss = new PgBoss({
    db,
    migrate: false,
    createSchema: false,
    schedule: false,
    supervise: true,
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
  })
  boss.on('error', onError)
  await boss.start()
  const queue: LaneQueue = {
    unattended: async (endpointIds) => {
      if (endpointIds.length === 0) return []
      const { rows } = await db.executeSql(unattendedSql, [laneQueue, endpointIds])
      return rows.map((row: { endpoint_id: string }) => row.endpoint_id)
    },
    wake: async (endpointIds) => {
      if (endpointIds.length === 0) return
      await boss.insert(laneQueue, endpointIds.map(laneJob), { returnId: false })
    },
    claim: async (count) => {
      const jobs = await boss.fetch<LaneJob>(laneQueue, {
        batchSize: count,
        groupConcurrency: 1,
        includeMetadata: true,
      })
      return jobs.map((job) => ({
        endpointId: job.data.endpointId,
        jobId: job.id,
        retryCount: job.retryCount,
      }))
    },
    renew: async (claims) => {
      if (claims.length === 0) return new Set()
      const renewed: RenewedClaims = await boss.touch(laneQueue, claims.map(jobAttempt))
      return new Set(renewed.settled)
    },
    release: async (claims) => {
      if (claims.length > 0) await boss.complete(laneQueue, claims.map(jobAttempt))
    },
  }
  return { ...queue, [Symbol.asyncDispose]: () => boss.stop({ graceful: false }) }
}

// Reads pg-boss' own table: it has no call for "which of these keys have no live job".
const unattendedSql = `/* unattended */
select wanted.endpoint_id from unnest($2::text[]) as wanted (endpoint_id)
where not exists (
  select from pgboss.job where name = $1 and singleton_key = wanted.endpoint_id
    and state < 'completed' and policy = 'short')`

function laneJob(endpointId: string) {
  return { data: { endpointId }, singletonKey: endpointId, group: { id: endpointId } }
}

function jobAttempt(claim: LaneClaim) {
  return { id: claim.jobId, retryCount: claim.retryCount }
}
