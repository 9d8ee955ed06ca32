import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { subscriptionsPerSocketMax } from '../../src/limits/live.ts'
import type { Program } from './program.ts'

/** What `feed-process.ts` is started with: one subscription for each filter. */
export type FeedJob = {
  readonly url: string
  readonly key: string
  readonly workspaceId: string
  readonly filters: readonly object[]
  readonly perSocket: number
}

/** Messages that all subscribers together have got. */
export type FeedProgress = { readonly changes: number; readonly checkpoints: number }

/** Subscribers in a process of their own. */
export type FeedClients = AsyncDisposable & {
  readonly pid: number
  readonly progress: () => Promise<FeedProgress>
}

export type FeedWish = Pick<FeedJob, 'workspaceId' | 'filters'>

const startMsMax = 60_000

/** Resolves when every subscription has said where it begins. */
export async function startFeedClients(program: Program, wish: FeedWish): Promise<FeedClients> {
  const child = fork(fileURLToPath(new URL('./feed-process.ts', import.meta.url)))
  const url = `${program.url.replace('http', 'ws')}/graphql`
  const perSocket = subscriptionsPerSocketMax
  child.send({ ...wish, url, perSocket, key: program.key } satisfies FeedJob)
  const progress = async () => {
    child.send('report')
    const [answer] = (await once(child, 'message')) as [FeedProgress]
    return answer
  }
  const until = performance.now() + startMsMax
  while ((await progress()).checkpoints < wish.filters.length) {
    if (performance.now() > until) throw new Error('Not every subscription has begun.')
    await wait(20)
  }
  return {
    pid: child.pid ?? NaN,
    progress,
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await once(child, 'exit')
    },
  }
}
