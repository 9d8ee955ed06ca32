import { setTimeout as pause } from 'node:timers/promises'
import { duplicateFindings, verdictFindings, type Disturbance } from '../harness/checker.ts'
import { atLeast, atMost, noted } from '../harness/findings.ts'
import type { Instance } from '../harness/instance.ts'
import { numbered, openLab, type Lab } from '../harness/lab.ts'
import { gapsAfter, inFlightAt, largest, quantile } from '../harness/latency.ts'
import { monotonicMs } from '../harness/monotonic.ts'
import type { Experiment } from '../harness/trial.ts'

const endpoints = numbered(20)
const killEveryMs = 5_000
const restartAfterMs = 1_000
/** What is promised for taking over a dead process's lanes. */
const takeoverMsMax = 15_000

/** A random worker dies every 5 s, with requests under way; another takes its lanes. */
export const killMidDelivery: Experiment = {
  id: 'R1',
  title: 'SIGKILL of a random worker every 5 s, back after 1 s',
  run: async ({ random, scaled, ...trial }) => {
    const roles = ['api', 'worker', 'worker', 'worker'] as const
    const options = { roles, script: { status: 200, afterMs: 200 } }
    await using lab = await openLab({ random, scaled, ...trial }, options)
    const tenant = await lab.addTenant({ endpoints })
    const forMs = scaled(60_000)
    const publishing = lab.publisher.publishSteadily({
      ...{ perSecond: 200, forMs },
      event: (index) => ({ tenant, to: index % endpoints.length }),
    })
    const kills = await killAgainAndAgain(lab, () => random.pick(lab.workers), forMs)
    await publishing
    const verdict = await lab.settle()
    const { arrivals } = lab.receivers
    const gaps = kills.map(({ fromMs }) => largest(gapsAfter(arrivals, endpoints, fromMs)))
    const inFlight = kills.map(({ fromMs }) => inFlightAt(arrivals, fromMs))
    return [
      ...verdictFindings(verdict),
      ...duplicateFindings(verdict, kills, sum(inFlight)),
      atMost('takeover ms', largest(gaps), takeoverMsMax),
      noted('takeover ms p50', quantile(gaps, 0.5)),
      atLeast('kills with requests in flight', inFlight.filter((count) => count > 0).length, 1),
    ]
  },
}

async function killAgainAndAgain(lab: Lab, victimOf: () => Instance, forMs: number) {
  const kills: Disturbance[] = []
  const endsMs = monotonicMs() + forMs
  while (monotonicMs() + killEveryMs < endsMs) {
    await pause(killEveryMs - restartAfterMs)
    const victim = victimOf()
    const fromMs = monotonicMs()
    await victim.kill()
    kills.push({ fromMs, untilMs: monotonicMs() })
    await pause(restartAfterMs)
    await victim.start()
  }
  return kills
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}
