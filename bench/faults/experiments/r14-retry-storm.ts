import { setTimeout as pause } from 'node:timers/promises'
import { ratioFindings } from '../harness/bounds.ts'
import { verdictFindings } from '../harness/checker.ts'
import { atLeast, atMost, noted, type Finding } from '../harness/findings.ts'
import { numbered, openLab, survivalFindings } from '../harness/lab.ts'
import { deliveryLatencies, largest } from '../harness/latency.ts'
import { monotonicMs } from '../harness/monotonic.ts'
import { inTurn, type EventPlan } from '../harness/publisher.ts'
import type { Arrival } from '../harness/receiver-messages.ts'
import type { Experiment } from '../harness/trial.ts'

const healthy = numbered(10)
const down = numbered(50, 100)
const eventsEach = 100
const rateLimitPerSecond = 10
const idealMs = (eventsEach / rateLimitPerSecond) * 1000
/** Ten minutes of the default schedule, sixty times as fast. */
const downMs = 20_000
const retrySchedule = [1, 5, 10, 10, 10, 10, 10, 10, 10, 10]
const binMs = 100
const binOverMeanMax = 3

/** Fifty endpoints are down, with a backlog each, and come back at the same moment. */
export const retryStorm: Experiment = {
  id: 'R14',
  title: '50 endpoints down with 5,000 deliveries waiting, all healed at once',
  run: async (trial) => {
    await using lab = await openLab(trial, { roles: ['api', 'worker'] })
    const event = inTurn(await lab.addTenant({ endpoints: healthy }))
    const endpoint = () => ({ rateLimitPerSecond, retrySchedule })
    const tenant = await lab.addTenant({ endpoints: down, endpoint })
    lab.receivers.follow(down, { status: 500, afterMs: 10 })
    const { publishSteadily, publishBatch } = lab.publisher
    const perSecond = trial.rate(50)
    const calm = await lab.baseline({ perSecond, forMs: trial.scaled(20_000), event })
    const stop = new AbortController()
    const publishing = publishSteadily({ perSecond, until: stop.signal, event })
    const plan: EventPlan = { tenant, to: 'all' }
    await publishBatch(Array.from({ length: eventsEach }, () => plan))
    await pause(downMs)
    const healedMs = monotonicMs()
    lab.receivers.follow(down, { status: 200, afterMs: 10 })
    await untilDrained(lab.receivers.arrivals, healedMs)
    stop.abort()
    const faulty = await publishing
    const verdict = await lab.settle()
    const { arrivals } = lab.receivers
    return [
      ...verdictFindings(verdict),
      ...survivalFindings(lab),
      ...ratioFindings(
        'healthy',
        { calm: deliveryLatencies(calm, arrivals), faulty: deliveryLatencies(faulty, arrivals) },
        2,
      ),
      ...stormFindings(arrivals, healedMs),
    ]
  },
}

const drainedMsMax = 90_000

/** Until every endpoint that was down has answered 2xx to all its events. */
async function untilDrained(arrivals: readonly Arrival[], sinceMs: number): Promise<void> {
  while (monotonicMs() - sinceMs < drainedMsMax) {
    if (healedArrivals(arrivals, sinceMs).length >= down.length * eventsEach) return
    await pause(100)
  }
}

function healedArrivals(arrivals: readonly Arrival[], sinceMs: number): Arrival[] {
  return arrivals.filter(({ endpoint, status, arrivedMs }) => {
    return endpoint >= (down[0] ?? 0) && status === 200 && arrivedMs > sinceMs
  })
}

function stormFindings(arrivals: readonly Arrival[], healedMs: number): Finding[] {
  const healed = healedArrivals(arrivals, healedMs)
  const byEndpoint = [...Map.groupBy(healed, ({ endpoint }) => endpoint).values()]
  const perSecond = byEndpoint.flatMap((own) => binsOf(own, 1000))
  const bins = binsOf(healed, binMs)
  const mean = healed.length / bins.length
  const drains = byEndpoint.map((own) => largest(timesOf(own)) - Math.min(...timesOf(own)))
  return [
    atLeast('arrived after healing', healed.length, down.length * eventsEach),
    atMost('peak a second of one endpoint', largest(perSecond), rateLimitPerSecond * 1.1 + 1),
    atMost('largest 100 ms over the mean', largest(bins) / mean, binOverMeanMax),
    atMost('drain of one endpoint ms', largest(drains), 2 * idealMs),
    noted('first arrival after healing ms', Math.min(...timesOf(healed)) - healedMs),
  ]
}

const timesOf = (arrivals: readonly Arrival[]) => arrivals.map(({ arrivedMs }) => arrivedMs)

/** How many came in each stretch of time, from the first to the last. */
function binsOf(arrivals: readonly Arrival[], widthMs: number): number[] {
  const times = timesOf(arrivals)
  const startMs = Math.min(...times)
  const bins: number[] = Array.from({
    length: Math.ceil((largest(times) - startMs) / widthMs) || 1,
  })
  bins.fill(0)
  for (const time of times) {
    const index = Math.min(bins.length - 1, Math.floor((time - startMs) / widthMs))
    bins[index] = (bins[index] ?? 0) + 1
  }
  return bins
}
