import { setTimeout as pause } from 'node:timers/promises'
import { excuseFindings, verdictFindings, type Disturbance } from '../harness/checker.ts'
import { atLeast, atMost, noted } from '../harness/findings.ts'
import { numbered, openLab, survivalFindings } from '../harness/lab.ts'
import { gapsAfter, largest, quantile, sum, underWayAt } from '../harness/latency.ts'
import { monotonicMs } from '../harness/monotonic.ts'
import { inTurn } from '../harness/publisher.ts'
import { repeat } from '../harness/schedule.ts'
import { takeoverMsMax } from '../harness/promises.ts'
import type { Experiment } from '../harness/trial.ts'

const endpoints = numbered(20)
const restartAfterMs = 1_000
/** A lane that lives has its next request sooner. */
const orphanedMsMin = 3_000

/** A random worker dies every 5 s, with requests under way; another takes its lanes. */
export const killMidDelivery: Experiment = {
  id: 'R1',
  title: 'SIGKILL of a random worker every 5 s, back after 1 s',
  run: async (trial) => {
    const roles = ['api', 'worker', 'worker', 'worker'] as const
    await using lab = await openLab(trial, { roles, script: { status: 200, afterMs: 200 } })
    const tenant = await lab.addTenant({ endpoints })
    const forMs = trial.scaled(90_000)
    const event = inTurn(tenant)
    const publishing = lab.publisher.publishSteadily({ perSecond: trial.rate(200), forMs, event })
    const kills: Disturbance[] = []
    await repeat({ everyMs: 5_000, forMs }, async () => {
      const victim = trial.random.pick(lab.workers.filter(({ isReady }) => isReady))
      const fromMs = monotonicMs()
      await victim.kill()
      kills.push({ fromMs, untilMs: monotonicMs() })
      await pause(restartAfterMs)
      await victim.start()
    })
    await publishing
    const verdict = await lab.settle()
    const { arrivals } = lab.receivers
    const gaps = kills.map(({ fromMs }) => largest(gapsAfter(arrivals, endpoints, fromMs)))
    const underWay = kills.map(({ fromMs }) => underWayAt(arrivals, fromMs).length)
    return [
      ...verdictFindings(verdict),
      ...excuseFindings(verdict, kills),
      atMost('dup against under way', verdict.duplicates.length, sum(underWay)),
      ...survivalFindings(lab),
      atMost('takeover ms', largest(gaps), takeoverMsMax),
      noted('takeover ms p50', quantile(gaps, 0.5)),
      atLeast('kills that orphaned lanes', gaps.filter((gapMs) => gapMs > orphanedMsMin).length, 1),
      atLeast('requests under way at the kills', sum(underWay), 1),
    ]
  },
}
