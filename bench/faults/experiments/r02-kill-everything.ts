import { setTimeout as pause } from 'node:timers/promises'
import { excuseFindings, verdictFindings, type Disturbance } from '../harness/checker.ts'
import { atLeast, atMost } from '../harness/findings.ts'
import { numbered, openLab, survivalFindings } from '../harness/lab.ts'
import { gapsAfter, largest, sum, underWayAt } from '../harness/latency.ts'
import { monotonicMs } from '../harness/monotonic.ts'
import { inTurn } from '../harness/publisher.ts'
import { takeoverMsMax } from '../harness/promises.ts'
import type { Experiment } from '../harness/trial.ts'

const endpoints = numbered(20)
const downMs = 10_000
const upMs = 7_000
const roundsMax = 3

/** Every process dies at once. Publishers whose question broke off ask again, with their key. */
export const killEverything: Experiment = {
  id: 'R2',
  title: 'SIGKILL of all processes at once, 10 s down',
  run: async (trial) => {
    const roles = ['api', 'worker', 'worker'] as const
    await using lab = await openLab(trial, { roles, script: { status: 200, afterMs: 200 } })
    const tenant = await lab.addTenant({ endpoints })
    const rounds = Math.min(roundsMax, trial.scaled(roundsMax))
    const forMs = rounds * (upMs + downMs)
    const event = inTurn(tenant)
    const publishing = lab.publisher.publishSteadily({ perSecond: trial.rate(200), forMs, event })
    const outages: Disturbance[] = []
    for (let round = 0; round < rounds; round += 1) {
      await pause(upMs + trial.random.below(500))
      const fromMs = monotonicMs()
      await Promise.all(lab.instances.map((instance) => instance.kill()))
      await pause(downMs)
      await Promise.all(lab.instances.map((instance) => instance.start()))
      outages.push({ fromMs, untilMs: monotonicMs() })
    }
    await publishing
    const verdict = await lab.settle()
    const { arrivals } = lab.receivers
    const gaps = outages.map(({ untilMs }) => largest(gapsAfter(arrivals, endpoints, untilMs)))
    const underWay = outages.map(({ fromMs }) => underWayAt(arrivals, fromMs).length)
    const brokeOff = lab.ledger.replies('info').filter(({ code }) => code !== 'ECONNREFUSED')
    return [
      ...verdictFindings(verdict),
      ...excuseFindings(verdict, outages.map(atTheKill)),
      atMost('dup against under way', verdict.duplicates.length, sum(underWay)),
      ...survivalFindings(lab),
      atMost('resumed after ready ms', largest(gaps), takeoverMsMax),
      atLeast('publishes that broke off', brokeOff.length, 1),
      atLeast('requests under way at the kills', sum(underWay), 1),
    ]
  },
}

function atTheKill({ fromMs }: Disturbance): Disturbance {
  return { fromMs, untilMs: fromMs }
}
