import { setTimeout as pause } from 'node:timers/promises'
import { ratioFindings } from '../harness/bounds.ts'
import { verdictFindings } from '../harness/checker.ts'
import { atLeast, atMost } from '../harness/findings.ts'
import { numbered, openLab, survivalFindings } from '../harness/lab.ts'
import { deliveryLatencies, quantile } from '../harness/latency.ts'
import { monotonicMs } from '../harness/monotonic.ts'
import { inTurn, type EventPlan } from '../harness/publisher.ts'
import type { Experiment } from '../harness/trial.ts'

const healthy = numbered(10)
const slow = numbered(100, 100)
const slowMs = 10_000
const backlogEvents = 200
/** Until the windows of the slow endpoints have grown and hold what they can get. */
const settlesMs = 10_000
const p99MsMax = 1_000

/** One tenant's endpoints take 10 s for an answer and have a backlog; another's are healthy. */
export const slowTenant: Experiment = {
  id: 'R9',
  title: 'a tenant with 100 endpoints of 10 s and a backlog of 20,000, beside a healthy one',
  run: async (trial) => {
    await using lab = await openLab(trial, { roles: ['api', 'worker'] })
    const event = inTurn(await lab.addTenant({ endpoints: healthy }))
    const noisy = await lab.addTenant({
      endpoints: slow,
      endpoint: () => ({ timeoutSeconds: 30 }),
    })
    lab.receivers.follow(slow, { status: 200, afterMs: slowMs })
    const { publishSteadily, publishBatch } = lab.publisher
    const perSecond = trial.rate(50)
    const calm = await lab.baseline({ perSecond, forMs: trial.scaled(20_000), event })
    const plan: EventPlan = { tenant: noisy, to: 'all' }
    await publishBatch(Array.from({ length: backlogEvents }, () => plan))
    await pause(settlesMs)
    const fromMs = monotonicMs()
    const faulty = await publishSteadily({ perSecond, forMs: trial.scaled(60_000), event })
    const untilMs = monotonicMs()
    lab.receivers.follow(slow, { status: 200, afterMs: 10 })
    const verdict = await lab.settle(120_000)
    const { arrivals } = lab.receivers
    const latencies = {
      calm: deliveryLatencies(calm, arrivals),
      faulty: deliveryLatencies(faulty, arrivals),
    }
    const progress = slow.map((number) => {
      const own = arrivals.filter(({ endpoint, status }) => endpoint === number && status === 200)
      return own.filter(({ endedMs }) => endedMs > fromMs && endedMs < untilMs).length
    })
    return [
      ...verdictFindings(verdict),
      ...survivalFindings(lab),
      ...ratioFindings('healthy tenant', latencies, 2),
      atMost('healthy tenant ms p99, absolute', quantile(latencies.faulty, 0.99), p99MsMax),
      atLeast('least progress of a slow endpoint', Math.min(...progress), 1),
    ]
  },
}
