import { excuseFindings, verdictFindings, type Disturbance } from '../harness/checker.ts'
import { atLeast, atMost, noted } from '../harness/findings.ts'
import { numbered, openLab, survivalFindings } from '../harness/lab.ts'
import { deliveryLatencies, quantile } from '../harness/latency.ts'
import { monotonicMs } from '../harness/monotonic.ts'
import { inTurn } from '../harness/publisher.ts'
import { pollMsMax } from '../harness/promises.ts'
import { repeat } from '../harness/schedule.ts'
import type { Experiment } from '../harness/trial.ts'

const endpoints = numbered(20)

/**
 * All connections to the database are cut every 5 s: ended by the server and reset on the way, by
 * turns. In between the connections that listen go half-open: hints are lost, polls find the work.
 */
export const connectionsCut: Experiment = {
  id: 'R5',
  title: 'all database connections cut every 5 s, LISTEN half-open',
  run: async (trial) => {
    const roles = ['api', 'worker', 'worker'] as const
    const script = { status: 200, afterMs: 50 }
    await using lab = await openLab(trial, { roles, script, viaProxy: true })
    const event = inTurn(await lab.addTenant({ endpoints }))
    const perSecond = trial.rate(200)
    const { publishSteadily } = lab.publisher
    const calm = await lab.baseline({ perSecond, forMs: trial.scaled(20_000), event })
    const forMs = trial.scaled(60_000)
    const cuts: Disturbance[] = []
    let connections = 0
    let frozen = 0
    const cutting = repeat({ everyMs: 2_500, forMs }, async (round) => {
      if (round % 2 === 1) {
        frozen += lab.databaseWay.freeze('listen postrider')
        return
      }
      const fromMs = monotonicMs()
      const cut = round % 4 === 0 ? lab.postgres.cutConnections : lab.databaseWay.reset
      connections += await cut()
      cuts.push({ fromMs, untilMs: monotonicMs() })
    })
    const stormy = await publishSteadily({ perSecond, forMs, event })
    await cutting
    const verdict = await lab.settle()
    const { arrivals } = lab.receivers
    const baseline = quantile(deliveryLatencies(calm, arrivals), 0.99)
    const measured = quantile(deliveryLatencies(stormy, arrivals), 0.99)
    return [
      ...verdictFindings(verdict),
      ...excuseFindings(verdict, cuts),
      ...survivalFindings(lab),
      atMost('publish to receiver ms p99', measured, pollMsMax + 2 * baseline),
      noted('baseline', baseline),
      atLeast('connections cut', connections, 1),
      atLeast('connections half-open', frozen, 1),
    ]
  },
}
