import { setTimeout as pause } from 'node:timers/promises'
import { excuseFindings, verdictFindings } from '../harness/checker.ts'
import { atLeast, atMost, exactly, noted, type Finding } from '../harness/findings.ts'
import type { Instance } from '../harness/instance.ts'
import { numbered, openLab, survivalFindings } from '../harness/lab.ts'
import { largest, quantile, underWayAt } from '../harness/latency.ts'
import { monotonicMs } from '../harness/monotonic.ts'
import { inTurn } from '../harness/publisher.ts'
import { drainMsMax } from '../harness/promises.ts'
import type { Experiment } from '../harness/trial.ts'

const endpoints = numbered(20)
const answerMs = 2_000
const restartsMax = 20
const hurriedMsMax = 1_000
/** A signal has reached the program by then. */
const noticedMs = 100

/** One end of a process, as it was seen from outside. */
type Ending = { readonly tookMs: number; readonly code: number | null; readonly wasReady: boolean }

/** Each worker in turn is told to stop, and started again: a deployment. Nothing is sent twice. */
export const gracefulDrain: Experiment = {
  id: 'R20',
  title: 'SIGTERM of each worker in turn, receivers take 2 s; at last one SIGTERM twice',
  run: async (trial) => {
    const roles = ['api', 'worker', 'worker'] as const
    await using lab = await openLab(trial, { roles, script: { status: 200, afterMs: answerMs } })
    const event = inTurn(await lab.addTenant({ endpoints }))
    const stop = new AbortController()
    const perSecond = trial.rate(200)
    const publishing = lab.publisher.publishSteadily({ perSecond, until: stop.signal, event })
    await pause(2 * answerMs)
    const restarts = Math.max(2, trial.scaled(restartsMax))
    const endings: Ending[] = []
    for (let index = 0; index < restarts; index += 1) {
      endings.push(await restart(lab.workers[index % lab.workers.length]))
    }
    await pause(answerMs)
    const hurriedAtMs = monotonicMs()
    const hurriedMs = await hurry(lab.workers[0])
    stop.abort()
    await publishing
    const verdict = await lab.settle()
    const underWay = underWayAt(lab.receivers.arrivals, hurriedAtMs).length
    const hurried = [{ fromMs: hurriedAtMs, untilMs: hurriedAtMs + hurriedMs }]
    return [
      ...verdictFindings(verdict),
      ...excuseFindings(verdict, hurried),
      atMost('dup against under way', verdict.duplicates.length, underWay),
      ...survivalFindings(lab),
      ...endingFindings(endings),
      atMost('second SIGTERM ends it in ms', hurriedMs, hurriedMsMax),
      atLeast('requests under way at the second SIGTERM', underWay, 1),
    ]
  },
}

function endingFindings(endings: readonly Ending[]): Finding[] {
  const tookMs = endings.map((ending) => ending.tookMs)
  return [
    noted('restarts', endings.length),
    exactly('exit codes but 0', endings.filter(({ code }) => code !== 0).length, 0),
    exactly('ready while stopping', endings.filter(({ wasReady }) => wasReady).length, 0),
    atMost('slowest drain ms', largest(tookMs), drainMsMax),
    // It waits for what is under way, and receivers take as long: sooner would be a cut.
    atLeast('drain ms p50', quantile(tookMs, 0.5), answerMs / 2),
  ]
}

async function restart(worker: Instance | undefined): Promise<Ending> {
  if (!worker) throw new Error('There is no worker to restart.')
  const askedMs = monotonicMs()
  worker.send('SIGTERM')
  await pause(noticedMs)
  const wasReady = worker.isRunning && (await worker.saysReady())
  const { code } = await worker.ended
  const tookMs = monotonicMs() - askedMs
  await worker.start()
  return { tookMs, code, wasReady }
}

/** Answers how long it took. */
async function hurry(worker: Instance | undefined): Promise<number> {
  worker?.send('SIGTERM')
  await pause(noticedMs)
  const askedMs = monotonicMs()
  worker?.send('SIGTERM')
  await worker?.ended
  return monotonicMs() - askedMs
}
