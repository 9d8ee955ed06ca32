import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { adopt } from './children.ts'
import { monotonicMs } from './monotonic.ts'
import type { Order, Sight, Subscription } from './subscriber-messages.ts'

/** Subscribers to the feed, in a process of their own. */
export type Subscribers = AsyncDisposable & {
  /** Those that stopped reading read on. */
  readonly wake: () => void
  /** What they have seen of these changes, each `id status`. */
  readonly look: (expected: readonly string[]) => Promise<Sight>
}

const processFile = fileURLToPath(new URL('./subscriber-process.ts', import.meta.url))
const beginMsMax = 30_000

/** Resolves when each of them was told where it begins. */
export async function startSubscribers(
  subscriptions: readonly Subscription[],
): Promise<Subscribers> {
  const child = adopt(fork(processFile))
  const order = (given: Order) => void child.send(given)
  const look = async (expected: readonly string[]) => {
    order({ kind: 'report', expected })
    const [sight] = (await once(child, 'message')) as [Sight]
    return sight
  }
  order({ kind: 'open', subscriptions })
  const startedMs = monotonicMs()
  while ((await look([])).begun < subscriptions.length) {
    if (monotonicMs() - startedMs > beginMsMax) throw new Error('Not every subscriber has begun.')
    await pause(100)
  }
  return {
    wake: () => order({ kind: 'wake' }),
    look,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}
