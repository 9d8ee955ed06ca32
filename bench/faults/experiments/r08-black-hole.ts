import { windowMax } from '../../../src/limits.ts'
import { ratioFindings } from '../harness/bounds.ts'
import { verdictFindings } from '../harness/checker.ts'
import { atLeast, atMost } from '../harness/findings.ts'
import { numbered, openLab, survivalFindings } from '../harness/lab.ts'
import { deliveryLatencies } from '../harness/latency.ts'
import type { Entry } from '../harness/ledger.ts'
import { startProxy } from '../harness/proxy.ts'
import { inTurn } from '../harness/publisher.ts'
import { repeat } from '../harness/schedule.ts'
import type { Experiment } from '../harness/trial.ts'

const endpoints = numbered(20)
const [dark] = endpoints
/** Of the dark endpoint: an attempt's deadline, and retries enough for the whole time. */
const timeoutSeconds = 5
const retrySchedule = [1, 2, 4, 8, 8, 8, 8, 8]

/** One of 20 endpoints takes connections and lets nothing through. */
export const blackHole: Experiment = {
  id: 'R8',
  title: '1 of 20 endpoints accepts connections and never answers, then heals',
  run: async (trial) => {
    await using lab = await openLab(trial, { roles: ['api', 'worker'] })
    await using way = await startProxy(lab.receivers.port)
    const url = `http://127.0.0.1:${way.port}/${dark}`
    const endpoint = (number: number) => {
      return number === dark ? { url, timeoutSeconds, retrySchedule } : {}
    }
    const event = inTurn(await lab.addTenant({ endpoints, endpoint }))
    const { publishSteadily } = lab.publisher
    const perSecond = trial.rate(200)
    const calm = await lab.baseline({ perSecond, forMs: trial.scaled(20_000), event })
    const forMs = trial.scaled(60_000)
    let sockets = 0
    way.swallow(true)
    const watching = repeat({ everyMs: 100, forMs }, async () => {
      sockets = Math.max(sockets, way.connections())
    })
    const faulty = await publishSteadily({ perSecond, forMs, event })
    await watching
    way.swallow(false)
    const verdict = await lab.settle()
    const latencies = (entries: readonly Entry[]) => {
      return deliveryLatencies(entries.filter(isLit), lab.receivers.arrivals)
    }
    return [
      ...verdictFindings(verdict),
      ...survivalFindings(lab),
      ...ratioFindings('others', { calm: latencies(calm), faulty: latencies(faulty) }, 1.5),
      atMost('sockets to the dark one', sockets, windowMax),
      atLeast('sockets to the dark one, seen', sockets, 1),
    ]
  },
}

function isLit({ targets: [target] }: Entry): boolean {
  return target !== dark
}
