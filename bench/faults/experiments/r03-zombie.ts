import { setTimeout as pause } from 'node:timers/promises'
import { duplicateFindings, verdictFindings } from '../harness/checker.ts'
import { atLeast, atMost } from '../harness/findings.ts'
import { numbered, openLab, survivalFindings, type Lab } from '../harness/lab.ts'
import { gapsAfter, largest, underWayAt } from '../harness/latency.ts'
import { monotonicMs } from '../harness/monotonic.ts'
import { inTurn } from '../harness/publisher.ts'
import { takeoverMsMax } from '../harness/promises.ts'
import type { Experiment, Trial } from '../harness/trial.ts'

const prompt = numbered(10)
/**
 * Their first two requests of an event fail, and the retry comes after the zombie woke up: only
 * the count of attempts tells its late result from a new one.
 */
const failing = numbered(10, prompt.length)
const retrySchedule = [25, 1, 1]
const beforeMs = 8_000
const frozenMs = 30_000

/** A worker is stopped for three times its lease, and goes on as if nothing had happened. */
export const zombie: Experiment = {
  id: 'R3',
  title: 'SIGSTOP of a worker for 30 s, SIGCONT',
  run: async (trial) => {
    const roles = ['api', 'worker', 'worker'] as const
    await using lab = await openLab(trial, { roles, script: { status: 200, afterMs: 200 } })
    lab.receivers.follow(failing, { status: 200, afterMs: 2_000, failFirst: 2 })
    const publishing = publishToBoth(lab, trial)
    await pause(beforeMs + trial.random.below(1_000))
    const frozen = trial.random.pick(lab.workers)
    const atMs = monotonicMs()
    frozen.send('SIGSTOP')
    await pause(frozenMs)
    frozen.send('SIGCONT')
    await publishing
    const verdict = await lab.settle()
    const { arrivals } = lab.receivers
    return [
      ...verdictFindings(verdict),
      ...duplicateFindings(
        verdict,
        [{ fromMs: atMs, untilMs: atMs }],
        underWayAt(arrivals, atMs).length,
      ),
      ...survivalFindings(lab),
      atMost('takeover ms', largest(gapsAfter(arrivals, prompt, atMs)), takeoverMsMax),
      atLeast('late results refused', await frozen.figure('postrider_results_refused_total'), 1),
    ]
  },
}

async function publishToBoth({ addTenant, publisher }: Lab, { rate }: Trial): Promise<void> {
  const tenants = [
    { tenant: await addTenant({ endpoints: prompt }), perSecond: rate(100) },
    {
      tenant: await addTenant({ endpoints: failing, endpoint: () => ({ retrySchedule }) }),
      perSecond: 10,
    },
  ]
  const forMs = beforeMs + frozenMs
  await Promise.all(
    tenants.map(({ tenant, perSecond }) => {
      return publisher.publishSteadily({ perSecond, forMs, event: inTurn(tenant) })
    }),
  )
}
