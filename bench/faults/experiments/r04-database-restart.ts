import { setTimeout as pause } from 'node:timers/promises'
import { excuseFindings, verdictFindings, type Disturbance } from '../harness/checker.ts'
import { atLeast, atMost, exactly } from '../harness/findings.ts'
import { numbered, openLab, survivalFindings } from '../harness/lab.ts'
import { gapsAfter, largest } from '../harness/latency.ts'
import { monotonicMs } from '../harness/monotonic.ts'
import type { Reply } from '../harness/operator.ts'
import { inTurn } from '../harness/publisher.ts'
import { refusalMsMax, resumeMsMax } from '../harness/promises.ts'
import type { Experiment } from '../harness/trial.ts'

const endpoints = numbered(20)
const upMs = 6_000
const downMs = 2_000

/** The database stops and comes back, politely and not. Nobody restarts the program. */
export const databaseRestart: Experiment = {
  id: 'R4',
  title: 'PostgreSQL restarts, fast and immediate by turns, 2 s down',
  run: async (trial) => {
    const roles = ['api', 'worker', 'worker'] as const
    await using lab = await openLab(trial, { roles, script: { status: 200, afterMs: 50 } })
    const tenant = await lab.addTenant({ endpoints })
    const rounds = Math.max(2, trial.scaled(6))
    const forMs = rounds * (upMs + downMs) + upMs
    const event = inTurn(tenant)
    const publishing = lab.publisher.publishSteadily({ perSecond: trial.rate(200), forMs, event })
    const outages: Disturbance[] = []
    for (let round = 0; round < rounds; round += 1) {
      await pause(upMs + trial.random.below(500))
      const fromMs = monotonicMs()
      await lab.postgres.stop(round % 2 === 0 ? 'fast' : 'immediate')
      await pause(downMs)
      await lab.postgres.start()
      outages.push({ fromMs, untilMs: monotonicMs() })
    }
    await publishing
    const verdict = await lab.settle()
    const { arrivals } = lab.receivers
    const gaps = outages.map(({ untilMs }) => largest(gapsAfter(arrivals, endpoints, untilMs)))
    const refusals = lab.ledger.replies('info')
    return [
      ...verdictFindings(verdict),
      ...excuseFindings(verdict, outages),
      ...survivalFindings(lab),
      atMost('resumed after ready ms', largest(gaps), resumeMsMax),
      atMost('slowest refusal ms', largest(refusals.map(tookMs)), refusalMsMax),
      exactly('refusals but UNAVAILABLE', otherCodes(refusals), 'none'),
      atLeast('publishes refused', refusals.length, 1),
    ]
  },
}

function tookMs({ sentMs, repliedMs }: Reply): number {
  return repliedMs - sentMs
}

function otherCodes(refusals: readonly Reply[]): string {
  const others = refusals.filter((one) => one.code !== 'UNAVAILABLE' || !one.isRetryable)
  return [...new Set(others.map(({ code }) => code))].join(' ') || 'none'
}
