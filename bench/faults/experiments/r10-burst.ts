import { ratioFindings } from '../harness/bounds.ts'
import { verdictFindings } from '../harness/checker.ts'
import { atLeast, exactly, noted } from '../harness/findings.ts'
import { numbered, openLab, survivalFindings, type Lab } from '../harness/lab.ts'
import { deliveryLatencies, publishLatencies } from '../harness/latency.ts'
import type { Reply } from '../harness/operator.ts'
import { inTurn, type EventPlan } from '../harness/publisher.ts'
import { repeat } from '../harness/schedule.ts'
import type { Tenant } from '../harness/tenant.ts'
import type { Experiment } from '../harness/trial.ts'

const quiet = numbered(10)
const loud = numbered(10, 100)
const burstMs = 10_000
/** More requests than a key may make in two minutes' allowance, should the clock's turn in between. */
const requests = 250
const eventsPerRequest = 200

/** One tenant publishes 50,000 events in 10 s with its own key; another publishes as always. */
export const burst: Experiment = {
  id: 'R10',
  title: 'a tenant publishes 50,000 events in 10 s, beside another with 50 a second',
  run: async (trial) => {
    await using lab = await openLab(trial, { roles: ['api', 'worker'] })
    const event = inTurn(await lab.addTenant({ endpoints: quiet }))
    const noisy = await lab.addTenant({ endpoints: loud })
    const perSecond = trial.rate(50)
    const { publishSteadily } = lab.publisher
    const calm = await lab.baseline({ perSecond, forMs: trial.scaled(20_000), event })
    const bursting = publishBurst(lab, noisy)
    const faulty = await publishSteadily({
      perSecond,
      forMs: burstMs + trial.scaled(10_000),
      event,
    })
    const replies = await bursting
    const verdict = await lab.settle(120_000)
    const { arrivals } = lab.receivers
    const refused = replies.filter(({ outcome }) => outcome === 'fail')
    const accepted = replies.length - refused.length
    return [
      ...verdictFindings(verdict),
      ...survivalFindings(lab),
      ...ratioFindings(
        'quiet tenant publish',
        { calm: publishLatencies(calm), faulty: publishLatencies(faulty) },
        2,
      ),
      ...ratioFindings(
        'quiet tenant delivery',
        { calm: deliveryLatencies(calm, arrivals), faulty: deliveryLatencies(faulty, arrivals) },
        2,
      ),
      exactly('refused but for its rate', refused.filter(isOther).length, 0),
      atLeast('requests refused', refused.length, 1),
      atLeast('burst accepted', accepted * eventsPerRequest, eventsPerRequest),
      noted('of', requests * eventsPerRequest),
    ]
  },
}

async function publishBurst({ publisher }: Lab, tenant: Tenant): Promise<Reply[]> {
  const key = await tenant.createKey(['PUBLISH'])
  const replies: Reply[] = []
  await repeat({ everyMs: burstMs / requests, forMs: burstMs + 1 }, async (round) => {
    const to = loud[round % loud.length] ?? 'all'
    const plans = Array.from({ length: eventsPerRequest }, (): EventPlan => ({ tenant, to }))
    replies.push(await publisher.publishBatch(plans, key))
  })
  return replies
}

function isOther({ code }: Reply): boolean {
  return code !== 'RATE_LIMITED'
}
