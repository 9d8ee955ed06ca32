import { killMidDelivery } from './experiments/r01-kill-mid-delivery.ts'
import { killEverything } from './experiments/r02-kill-everything.ts'
import { zombie } from './experiments/r03-zombie.ts'
import { databaseRestart } from './experiments/r04-database-restart.ts'
import { connectionsCut } from './experiments/r05-connections-cut.ts'
import { blackHole } from './experiments/r08-black-hole.ts'
import { slowTenant } from './experiments/r09-slow-tenant.ts'
import { burst } from './experiments/r10-burst.ts'
import { hostileReceivers } from './experiments/r12-hostile-answers.ts'
import { retryStorm } from './experiments/r14-retry-storm.ts'
import { retryTimes } from './experiments/r15-retry-schedule.ts'
import { idempotencyRace } from './experiments/r17-idempotency-race.ts'
import { publishCrash } from './experiments/r18-publish-crash.ts'
import { backlog } from './experiments/r19-backlog.ts'
import { gracefulDrain } from './experiments/r20-graceful-drain.ts'
import { poison } from './experiments/r21-poison.ts'
import { subscribersSuffer } from './experiments/r23-subscribers.ts'
import type { Experiment } from './harness/trial.ts'

/** All experiments, in the order in which they run. */
export const suite: readonly Experiment[] = [
  killMidDelivery,
  killEverything,
  zombie,
  databaseRestart,
  connectionsCut,
  blackHole,
  slowTenant,
  burst,
  hostileReceivers,
  retryStorm,
  retryTimes,
  idempotencyRace,
  publishCrash,
  backlog,
  gracefulDrain,
  poison,
  subscribersSuffer,
]
