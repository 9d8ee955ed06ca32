import { PgBoss, type Db } from 'pg-boss'
import { jobsDeleteEverySeconds, leaseSeconds, superviseEverySeconds } from './limits.ts'

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
      deleteAfterSeconds: 1,
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
    superviseIntervalSeconds: superviseEverySeconds,
    monitorIntervalSeconds: superviseEverySeconds,
    maintenanceIntervalSeconds: jobsDeleteEverySeconds,
  })
  boss.on('error', onError)
  await boss.start()
  const release = async (claims: readonly LaneClaim[]) => {
    if (claims.length > 0) await boss.complete(laneQueue, claims.map(jobAttempt))
  }
  const findContested = async (claims: readonly LaneClaim[]) => {
    if (claims.length === 0) return []
    const ids = [claims.map(({ endpointId }) => endpointId), claims.map(({ jobId }) => jobId)]
    return endpointsOf(await db.executeSql(contestedSql, [laneQueue, ...ids]))
  }
  const queue: LaneQueue = {
    unattended: async (endpointIds) => {
      if (endpointIds.length === 0) return []
      return endpointsOf(await db.executeSql(unattendedSql, [laneQueue, endpointIds]))
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
      const claims = jobs.map((job) => ({
        endpointId: job.data.endpointId,
        jobId: job.id,
        retryCount: job.retryCount,
      }))
      const contested = new Set(await findContested(claims))
      await release(claims.filter(({ endpointId }) => contested.has(endpointId)))
      return claims.filter(({ endpointId }) => !contested.has(endpointId))
    },
    renew: async (claims) => {
      if (claims.length === 0) return new Set()
      const renewed: RenewedClaims = await boss.touch(laneQueue, claims.map(jobAttempt))
      return new Set(renewed.settled)
    },
    release,
  }
  return { ...queue, [Symbol.asyncDispose]: () => boss.stop({ graceful: false }) }
}

// Reads pg-boss' own table: it has no call for "which of these keys have no live job". A key's
// jobs are found by the indexes pg-boss has: one for those that wait and were never taken, one for
// those that run, and one for all that wait, which is looked through for those given up.
const unattendedSql = `/* unattended */
select wanted.endpoint_id from unnest($2::text[]) as wanted (endpoint_id)
where not exists (
  select from pgboss.job where name = $1 and coalesce(singleton_key, '') = wanted.endpoint_id
    and state = 'created' and policy = 'short'
) and not exists (
  select from pgboss.job where name = $1 and group_id = wanted.endpoint_id
    and state = 'active' and group_id is not null
) and wanted.endpoint_id not in (
  select group_id from pgboss.job where name = $1 and state = 'retry' and state < 'active'
    and not blocked and group_id is not null
)`

// Of a lane that was given up two jobs can wait: the one its owner had, and a new one. Two fetches
// at the same time then take one each, and neither sees the other's. Whoever sees the other one
// afterwards gives its own back; the later of the two always does, and the sweep wakes the lane
// again should both.
const contestedSql = `/* contested */
select mine.endpoint_id
from unnest($2::text[], $3::uuid[]) as mine (endpoint_id, job_id)
where exists (
  select from pgboss.job where name = $1 and group_id = mine.endpoint_id
    and state = 'active' and group_id is not null and id <> mine.job_id)`

function endpointsOf({ rows }: { rows: { endpoint_id: string }[] }): string[] {
  return rows.map((row) => row.endpoint_id)
}

function laneJob(endpointId: string) {
  return { data: { endpointId }, singletonKey: endpointId, group: { id: endpointId } }
}

function jobAttempt(claim: LaneClaim) {
  return { id: claim.jobId, retryCount: claim.retryCount }
}
