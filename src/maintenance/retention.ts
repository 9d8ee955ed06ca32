import type { Clock } from '../clock.ts'
import { inTransaction, type Pool } from '../db.ts'
import { partitionLockMs, partitionsEveryMs } from '../limits.ts'
import type { Log } from '../log.ts'
import { Rounds } from '../pipeline/rounds.ts'
import * as partitions from '../store/partition.ts'

export type RetentionContext = {
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Log
  readonly retentionDays: number
}

const dayMs = 86_400_000

/** Every hour: makes the partitions of the days to come, and drops those past retention. */
export function keepRetention(context: RetentionContext): AsyncDisposable & { now: () => void } {
  const rounds = new Rounds({
    everyMs: partitionsEveryMs,
    run: () => retain(context),
    failed: (error) => {
      context.log.error({ err: error }, 'retention failed; it is done again in the next round')
    },
  })
  return { now: () => rounds.soon(), [Symbol.asyncDispose]: () => rounds.stop() }
}

/** One round. A lock that is not had soon is given up, so that nobody waits behind it. */
export async function retain({ pool, clock, log, retentionDays }: RetentionContext): Promise<void> {
  const now = clock.now()
  const keptFrom = new Date(now.getTime() - retentionDays * dayMs)
  await inTransaction(pool, async (client) => {
    await client.query(`set local lock_timeout = ${partitionLockMs}`)
    await partitions.createPartitionsAhead(client, now)
  })
  const all = await partitions.readPartitions(pool)
  for (const partition of all.filter(({ day }) => day < partitions.dayOf(keptFrom))) {
    await inTransaction(pool, async (client) => {
      await client.query(`set local lock_timeout = ${partitionLockMs}`)
      await partitions.dropPartition(client, partition)
    })
    log.info({ partition: partition.name, retentionDays }, 'dropped a day past retention')
  }
  await partitions.deleteLeftovers(pool, keptFrom)
}
