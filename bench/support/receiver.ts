import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Arrival, Progress } from './receiver-process.ts'

/** A receiver in a process of its own: answers 200 at once, see `receiver-process.ts`. */
export type Receiver = AsyncDisposable & {
  readonly origin: string
  readonly pid: number
  /** Requests so far, exactly. */
  readonly count: () => Promise<number>
  /** Resolves once so many requests have come since the receiver began; throws when none comes. */
  readonly reached: (requests: number) => Promise<void>
  /** Requests to `/timed/…` since the last call. */
  readonly takeArrivals: () => Promise<Arrival[]>
}

/** Tells its progress by itself, every few ms. */
export async function startReceiver(): Promise<Receiver> {
  const child = fork(fileURLToPath(new URL('./receiver-process.ts', import.meta.url)))
  const [port] = (await once(child, 'message')) as [number]
  const seen = watch()
  child.on('message', seen.hear)
  const ask = async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    seen.answers.push(resolve)
    child.send('report')
    await promise
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    pid: child.pid ?? NaN,
    count: () => ask().then(() => seen.requests()),
    reached: seen.reached,
    takeArrivals: () => ask().then(() => seen.takeArrivals()),
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await once(child, 'exit')
    },
  }
}

/** Without any request a run has stalled, and would wait for ever. */
const silenceMsMax = 60_000

function watch() {
  let requests = 0
  let arrivals: Arrival[] = []
  let goal: Goal | undefined
  const answers: (() => void)[] = []
  return {
    answers,
    requests: () => requests,
    hear: (progress: Progress) => {
      requests = progress.requests
      for (const arrival of progress.arrivals) arrivals.push(arrival)
      if (progress.isAnswer) answers.shift()?.()
      goal?.hear(requests)
    },
    reached: (wanted: number) => {
      goal = newGoal(wanted)
      goal.hear(requests)
      return goal.reached
    },
    takeArrivals: () => {
      const taken = arrivals
      arrivals = []
      return taken
    },
  }
}

type Goal = ReturnType<typeof newGoal>

function newGoal(wanted: number) {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let seen = 0
  const giveUp = () => reject(new Error(`Stalled at ${seen} requests; ${wanted} were expected.`))
  const patience = setTimeout(giveUp, silenceMsMax)
  return {
    reached: promise,
    hear: (requests: number) => {
      seen = requests
      patience.refresh()
      if (requests < wanted) return
      clearTimeout(patience)
      resolve()
    },
  }
}
