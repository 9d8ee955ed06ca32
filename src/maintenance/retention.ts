import type { Clock } from '../clock.ts'
import { inTransaction, type Pool, type Queryable } from '../db.ts'
import { dayMs, partitionLockMs, partitionsEveryMs } from '../limits.ts'
import type { Log } from '../log.ts'
import { Rounds } from '../pipeline/rounds.ts'
import * as partitions from '../store/partition.ts'
import { deleteOldRequestCounts } from '../store/request-count.ts'
import { retainAudit } from './audit-retention.ts'

/** What keeping everything for its time needs. */
export type RetentionContext = {
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Log
  readonly retentionDays: number
}

/** Any number will do as long as every process takes the same one. */
const partitionLock = 7_226_002

/**
 * At the start and every hour: makes the partitions of the days to come, drops those past
 * retention, and deletes what the audit log has kept long enough.
 */
export function keepRetention(context: RetentionContext): AsyncDisposable {
  const rounds = new Rounds({
    everyMs: partitionsEveryMs,
    run: async () => {
      await retain(context)
      await retainAudit(context)
    },
    failed: (error) => {
      context.log.error({ err: error }, 'retention failed; it is done again in the next round')
    },
  })
  rounds.soon()
  return { [Symbol.asyncDispose]: () => rounds.stop() }
}

/**
 * One round. Days are dropped whole: what is kept longest is kept a day longer than asked for, and
 * a day of which a delivery still waits for a time to come until it has been attempted (P3).
 */
export async function retain({ pool, clock, log, retentionDays }: RetentionContext): Promise<void> {
  const now = clock.now()
  const past = partitions.startOfDay(new Date(now.getTime() - retentionDays * dayMs))
  const waiting = await partitions.oldestAwaitedDay(pool, past)
  const keptFrom = waiting && waiting < past ? waiting : past
  for (const missing of await partitions.missingPartitions(pool, now)) {
    await changing(pool, (client) => partitions.createPartition(client, missing))
  }
  const all = await partitions.readPartitions(pool)
  for (const partition of all.filter(({ day }) => day < partitions.dayOf(keptFrom))) {
    await changing(pool, (client) => partitions.dropPartition(client, partition))
    log.info({ partition: partition.name, retentionDays }, 'dropped a day past retention')
  }
  await partitions.deleteLeftovers(pool, keptFrom)
  await deleteOldRequestCounts(pool, new Date(now.getTime() - partitionsEveryMs))
}

/**
 * One process at a time. A lock that is not had soon is given up, so that nobody waits behind it:
 * publishing, for one.
 */
async function changing(pool: Pool, change: (client: Queryable) => Promise<void>): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query(`/* limitLockWait */ set local lock_timeout = ${partitionLockMs}`)
    await client.query('/* lockPartitions */ select pg_advisory_xact_lock($1)', [partitionLock])
    await change(client)
  })
}
