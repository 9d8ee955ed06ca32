import { killMidDelivery } from './experiments/r01-kill-mid-delivery.ts'
import { killEverything } from './experiments/r02-kill-everything.ts'
import { zombie } from './experiments/r03-zombie.ts'
import { databaseRestart } from './experiments/r04-database-restart.ts'
import { connectionsCut } from './experiments/r05-connections-cut.ts'
import { idempotencyRace } from './experiments/r17-idempotency-race.ts'
import { publishCrash } from './experiments/r18-publish-crash.ts'
import { gracefulDrain } from './experiments/r20-graceful-drain.ts'
import type { Experiment } from './harness/trial.ts'

/** All experiments, in the order in which they run. */
export const suite: readonly Experiment[] = [
  killMidDelivery,
  killEverything,
  zombie,
  databaseRestart,
  connectionsCut,
  idempotencyRace,
  publishCrash,
  gracefulDrain,
]
