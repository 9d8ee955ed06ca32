import { ratioFindings } from '../harness/bounds.ts'
import { atLeast, atMost, exactly, noted, type Finding } from '../harness/findings.ts'
import { MemoryWatch } from '../harness/memory-watch.ts'
import { hostileAnswers, type HostileAnswer } from '../harness/hostile-answers.ts'
import { startHostile } from '../harness/hostile.ts'
import { numbered, openLab, survivalFindings, type Lab } from '../harness/lab.ts'
import { deliveryLatencies, largest } from '../harness/latency.ts'
import { inTurn } from '../harness/publisher.ts'
import { repeat } from '../harness/schedule.ts'
import { uuidOfEndpoint } from '../harness/stored.ts'
import type { Experiment } from '../harness/trial.ts'

const healthy = numbered(10, 100)
const hostile = numbered(hostileAnswers.length)
const eventsEach = 10
const timeoutSeconds = 2
const growthMegabytesMax = 50
/** Rounds: each look is a collection, for which the healthy ones wait. */
const looksApart = 4
/** An attempt may end so much after its deadline. */
const lateMsMax = 1_000

/** Every bad answer there is, ten times each, beside healthy receivers. */
export const hostileReceivers: Experiment = {
  id: 'R12',
  title: `${hostileAnswers.length} hostile answers, among them bombs, floods and drips`,
  run: async (trial) => {
    await using lab = await openLab(trial, { roles: ['api', 'worker'] })
    await using receivers = await startHostile()
    const event = inTurn(await lab.addTenant({ endpoints: healthy }))
    const endpoint = (number: number) => {
      return { url: receivers.urlOf(number), timeoutSeconds, retrySchedule: [] }
    }
    const tenant = await lab.addTenant({ endpoints: hostile, endpoint })
    const { publish, publishSteadily } = lab.publisher
    const perSecond = trial.rate(100)
    const calm = await lab.baseline({ perSecond, forMs: trial.scaled(20_000), event })
    const memory = watchWorker(lab)
    await memory.look()
    const forMs = trial.scaled(100_000)
    const publishing = publishSteadily({ perSecond, forMs, event })
    await repeat({ everyMs: forMs / (eventsEach + 1), forMs }, async (round) => {
      await publish({ tenant, to: 'all' })
      if (round % looksApart === 0) await memory.look()
    })
    const faulty = await publishing
    const verdict = await lab.settle()
    await memory.look()
    const { arrivals } = lab.receivers
    return [
      exactly('stuck', verdict.stuck, 0),
      exactly('phantom', verdict.phantom, 0),
      ...(await answerFindings(lab, tenant.endpointIds)),
      ...survivalFindings(lab),
      ...ratioFindings(
        'healthy',
        { calm: deliveryLatencies(calm, arrivals), faulty: deliveryLatencies(faulty, arrivals) },
        2,
      ),
      ...memory.findings(growthMegabytesMax),
    ]
  },
}

function watchWorker({ workers: [worker] }: Lab): MemoryWatch {
  if (!worker) throw new Error('There is no worker.')
  return new MemoryWatch(worker)
}

type Attempt = {
  readonly endpoint: string
  readonly result: string
  readonly statusCode: number | null
  readonly durationMs: number
}

async function answerFindings({ postgres }: Lab, ids: readonly string[]): Promise<Finding[]> {
  const attempts = await postgres.query<Attempt>(
    `select endpoint_id as endpoint, result, status_code as "statusCode",
       duration_ms as "durationMs" from attempt where endpoint_id = any($1::uuid[])`,
    [ids.map(uuidOfEndpoint)],
  )
  const judged = hostileAnswers.map((wanted, number) => {
    const own = attempts.filter(({ endpoint }) => endpoint === uuidOfEndpoint(ids[number] ?? ''))
    return { wanted, own, wrong: own.filter((attempt) => !isAs(attempt, wanted)) }
  })
  const misnamed = judged.flatMap(({ wanted, wrong }) => wrong.map((one) => inWords(wanted, one)))
  const durations = attempts.map(({ durationMs }) => durationMs)
  return [
    noted('attempts', attempts.length),
    exactly('called something else', [...new Set(misnamed)].join('; ') || 'none', 'none'),
    atLeast('least attempts of an answer', Math.min(...judged.map(({ own }) => own.length)), 1),
    atMost('longest attempt ms', largest(durations), timeoutSeconds * 1000 + lateMsMax),
  ]
}

function isAs(attempt: Attempt, { result, statusCode }: HostileAnswer): boolean {
  return attempt.result === result && attempt.statusCode === statusCode
}

function inWords({ name }: HostileAnswer, { result, statusCode }: Attempt): string {
  return `${name} is ${result} ${statusCode ?? ''}`
}
