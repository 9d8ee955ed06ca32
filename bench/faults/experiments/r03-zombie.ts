import { setTimeout as pause } from 'node:timers/promises'
import { excuseFindings, verdictFindings } from '../harness/checker.ts'
import { atLeast, atMost } from '../harness/findings.ts'
import type { Instance } from '../harness/instance.ts'
import { numbered, openLab, survivalFindings, type Lab } from '../harness/lab.ts'
import { gapsAfter, largest, underWayAt } from '../harness/latency.ts'
import { monotonicMs } from '../harness/monotonic.ts'
import { inTurn, type EventPlan } from '../harness/publisher.ts'
import { takeoverMsMax } from '../harness/promises.ts'
import type { Experiment, Trial } from '../harness/trial.ts'

const prompt = numbered(10)
/**
 * Their first requests of an event fail, and the last retry comes after the zombie woke up: only
 * the count of attempts tells its late result from a new one.
 */
const failing = numbered(10, 100)
const failFirst = 3
const retrySchedule = [3, 25, 1]
/**
 * They have a rate limit and a backlog, so that the zombie holds deliveries in memory that others
 * make while it sleeps: only the lapsed lease tells it not to send them.
 */
const paced = numbered(10, 200)
const rateLimitPerSecond = 2
const backlogEach = 24

const beforeMs = 8_000
const frozenMs = 30_000

/** A worker is stopped for three times its lease, and goes on as if nothing had happened. */
export const zombie: Experiment = {
  id: 'R3',
  title: 'SIGSTOP of a worker for 30 s, SIGCONT',
  run: async (trial) => {
    const roles = ['api', 'worker', 'worker'] as const
    await using lab = await openLab(trial, { roles, script: { status: 200, afterMs: 200 } })
    const publishing = await beginPublishing(lab, trial)
    await pause(beforeMs + trial.random.below(1_000))
    const frozen = await busiest(lab)
    const atMs = monotonicMs()
    frozen.send('SIGSTOP')
    await pause(frozenMs)
    frozen.send('SIGCONT')
    await publishing.ended
    const verdict = await lab.settle()
    const { arrivals } = lab.receivers
    const underWay = underWayAt(arrivals, atMs)
    return [
      ...verdictFindings(verdict),
      ...excuseFindings(verdict, [{ fromMs: atMs, untilMs: atMs }]),
      atMost('dup against under way', verdict.duplicates.length, underWay.length),
      ...survivalFindings(lab),
      atMost('takeover ms', largest(gapsAfter(arrivals, prompt, atMs)), takeoverMsMax),
      atLeast('late results refused', await frozen.figure('postrider_results_refused_total'), 1),
      atLeast('failing requests under way', underWay.filter(isFailing).length, 1),
    ]
  },
}

/** Lanes go to whoever asks first: one worker may have next to none. */
async function busiest({ workers }: Lab): Promise<Instance> {
  const lanes = await Promise.all(workers.map((worker) => worker.figure('postrider_lanes')))
  const found = workers[lanes.indexOf(largest(lanes))]
  if (!found) throw new Error('There is no worker.')
  return found
}

function isFailing({ endpoint }: { endpoint: number }): boolean {
  return failing.includes(endpoint)
}

async function beginPublishing({ addTenant, publisher, receivers }: Lab, { rate }: Trial) {
  receivers.follow(failing, { status: 200, afterMs: 2_000, failFirst })
  const steady = await addTenant({ endpoints: prompt })
  const failed = await addTenant({ endpoints: failing, endpoint: () => ({ retrySchedule }) })
  const piled = await addTenant({ endpoints: paced, endpoint: () => ({ rateLimitPerSecond }) })
  const forMs = beforeMs + frozenMs
  const plan: EventPlan = { tenant: piled, to: 'all' }
  const ended = Promise.all([
    publisher.publishSteadily({ perSecond: rate(100), forMs, event: inTurn(steady) }),
    publisher.publishSteadily({ perSecond: rate(10), forMs: beforeMs, event: inTurn(failed) }),
    publisher.publishBatch(Array.from({ length: backlogEach }, () => plan)),
  ])
  return { ended }
}
