import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { cpuMicros } from './processes.ts'
import type { Receiver } from './receiver.ts'

/** What `undici-process.ts` is started with. Without an origin it has a receiver of its own. */
export type UndiciJob = { readonly origin: string | null; readonly body: string }

/** Requests a second, and processor time of one request in µs: of the sender, of the receiver. */
export type UndiciPace = {
  readonly perSecond: number
  readonly senderMicros: number
  readonly receiverMicros: number
}

/** The limit of deliveries: undici alone, in a process of its own, to the same receiver. */
export type UndiciLimit = AsyncDisposable & {
  readonly measure: (requests: number) => Promise<UndiciPace>
}

/** Warm: a process that has just started is no limit for one that has run for a while. */
export async function startUndici(receiver: Receiver, body: string): Promise<UndiciLimit> {
  const limit = await startNewUndici({ origin: receiver.origin, body }, receiver.pid)
  await limit.measure(10_000)
  return limit
}

/**
 * Undici and the receiver in one process, as quick benchmarks have them: they share a processor.
 * What it costs is not told apart.
 */
export async function startUndiciWithReceiver(body: string): Promise<UndiciLimit> {
  const limit = await startNewUndici({ origin: null, body }, process.pid)
  await limit.measure(10_000)
  return limit
}

async function startNewUndici(job: UndiciJob, receiverPid: number): Promise<UndiciLimit> {
  const child = fork(fileURLToPath(new URL('./undici-process.ts', import.meta.url)))
  child.send(job)
  const send = async (requests: number) => {
    child.send(requests)
    const [elapsedMs] = (await once(child, 'message')) as [number]
    return elapsedMs
  }
  return {
    measure: async (requests) => {
      const before = await costs(child.pid, receiverPid)
      const elapsedMs = await send(requests)
      const after = await costs(child.pid, receiverPid)
      return {
        perSecond: (requests / elapsedMs) * 1000,
        senderMicros: (after.sender - before.sender) / requests,
        receiverMicros: (after.receiver - before.receiver) / requests,
      }
    },
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await once(child, 'exit')
    },
  }
}

async function costs(sender = NaN, receiver: number) {
  return { sender: await cpuMicros([sender]), receiver: await cpuMicros([receiver]) }
}
