import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { adopt } from './children.ts'
import type { Arrival, Order, Report, Script } from './receiver-messages.ts'

/** Receivers in a process of their own, and the log of what they saw. */
export type Receivers = AsyncDisposable & {
  readonly port: number
  readonly urlOf: (endpoint: number) => string
  /** Signatures of this endpoint are checked with this secret. */
  readonly know: (endpoint: number, secret: string) => void
  /** These endpoints, or all others with null, answer like this from now on. */
  readonly follow: (endpoints: readonly number[] | null, script: Script) => void
  /** Requests that have ended, in the order of their ends, up to a few ms ago. */
  readonly arrivals: readonly Arrival[]
  /** Requests without an answer, as of a few ms ago. */
  readonly open: () => number
  /** Resolves when `arrivals` holds all that had ended by the call. */
  readonly flush: () => Promise<void>
}

const processFile = fileURLToPath(new URL('./receiver-process.ts', import.meta.url))

export async function startReceivers(): Promise<Receivers> {
  const child = adopt(fork(processFile))
  const arrivals: Arrival[] = []
  const flushes = new Map<number, () => void>()
  const listening = Promise.withResolvers<number>()
  let open = 0
  child.on('message', (report: Report) => {
    if (report.kind === 'listening') listening.resolve(report.port)
    else if (report.kind === 'flushed') flushes.get(report.number)?.()
    else {
      for (const arrival of report.arrivals) arrivals.push(arrival)
      open = report.open
    }
  })
  const order = (given: Order) => void child.send(given)
  const port = await listening.promise
  return {
    port,
    urlOf: (endpoint) => `http://127.0.0.1:${port}/${endpoint}`,
    know: (number, secret) => order({ kind: 'endpoint', number, secret }),
    follow: (numbers, script) => order({ kind: 'script', numbers, script }),
    arrivals,
    open: () => open,
    flush: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const number = flushes.size
      flushes.set(number, resolve)
      order({ kind: 'flush', number })
      return promise
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
