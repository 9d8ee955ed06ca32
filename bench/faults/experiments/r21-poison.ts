import { ratioFindings } from '../harness/bounds.ts'
import { atLeast, atMost, exactly, noted } from '../harness/findings.ts'
import type { Instance } from '../harness/instance.ts'
import { numbered, openLab, survivalFindings, type Lab } from '../harness/lab.ts'
import { deliveryLatencies } from '../harness/latency.ts'
import { inTurn } from '../harness/publisher.ts'
import { uuidOfEndpoint } from '../harness/stored.ts'
import type { Tenant } from '../harness/tenant.ts'
import type { Experiment } from '../harness/trial.ts'

const healthy = numbered(10)
const poisoned = numbered(5, 100)
const eventsEach = 8
const retrySchedule = [1, 2, 4]
/** More processor time than before, for the same traffic. */
const cpuRatioMax = 1.5

/** Endpoints whose stored secret cannot be decrypted: each attempt fails on our side. */
export const poison: Experiment = {
  id: 'R21',
  title: 'deliveries that cannot be made: the ciphertext of their secret is corrupt',
  run: async (trial) => {
    await using lab = await openLab(trial, { roles: ['api', 'worker'] })
    const [worker] = lab.workers
    if (!worker) throw new Error('There is no worker.')
    const event = inTurn(await lab.addTenant({ endpoints: healthy }))
    const tenant = await lab.addTenant({ endpoints: poisoned, endpoint: () => ({ retrySchedule }) })
    await corrupt(lab, tenant)
    const { publishSteadily, publish } = lab.publisher
    const perSecond = trial.rate(100)
    const forMs = trial.scaled(40_000)
    await lab.baseline({ perSecond, forMs: 0, event })
    const calm = await measure(worker, () => publishSteadily({ perSecond, forMs, event }))
    const events = Promise.all(numbered(eventsEach).map(() => publish({ tenant, to: 'all' })))
    const faulty = await measure(worker, () => publishSteadily({ perSecond, forMs, event }))
    await events
    const verdict = await lab.settle()
    const { arrivals } = lab.receivers
    const states = await readStates(lab, tenant)
    return [
      exactly('stuck', verdict.stuck, 0),
      exactly('phantom', verdict.phantom, 0),
      exactly('corrupt', verdict.corrupt, 0),
      exactly('incomplete', verdict.incomplete, 0),
      ...survivalFindings(lab),
      exactly('end of the poisoned', states.join('; '), `FAILED after ${retrySchedule.length + 1}`),
      exactly('sent without a signature', arrivals.filter(isPoisoned).length, 0),
      ...ratioFindings(
        'others',
        {
          calm: deliveryLatencies(calm.entries, arrivals),
          faulty: deliveryLatencies(faulty.entries, arrivals),
        },
        1.2,
      ),
      atMost('processor time over before', faulty.cpuSeconds / calm.cpuSeconds, cpuRatioMax),
      atLeast('poisoned deliveries', poisoned.length * eventsEach, 1),
      noted('processor seconds', faulty.cpuSeconds),
    ]
  },
}

function isPoisoned({ endpoint }: { endpoint: number }): boolean {
  return poisoned.includes(endpoint)
}

/** As a disk, or a hand, may do. */
async function corrupt({ postgres }: Lab, { endpointIds }: Tenant): Promise<void> {
  await postgres.query(
    `update endpoint_secret set secret_sealed = overlay(secret_sealed placing '\\xdeadbeef' from 20)
     where endpoint_id = any($1::uuid[])`,
    [endpointIds.map(uuidOfEndpoint)],
  )
}

async function measure<T>(worker: Instance, work: () => Promise<T>) {
  const before = await worker.figure('process_cpu_seconds_total')
  const entries = await work()
  return { entries, cpuSeconds: (await worker.figure('process_cpu_seconds_total')) - before }
}

/** How the deliveries ended, each way once. */
async function readStates({ postgres }: Lab, { endpointIds }: Tenant): Promise<string[]> {
  const rows = await postgres.query<{ state: string }>(
    `select distinct status || ' after ' || attempt_count as state from delivery
     where endpoint_id = any($1::uuid[])`,
    [endpointIds.map(uuidOfEndpoint)],
  )
  return rows.map(({ state }) => state)
}
