import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { adopt } from './children.ts'

/** Receivers that answer as badly as they can, in a process of their own. */
export type Hostile = AsyncDisposable & {
  /** Of the answer with this number in `hostileAnswers`. */
  readonly urlOf: (number: number) => string
}

const processFile = fileURLToPath(new URL('./hostile-process.ts', import.meta.url))

export async function startHostile(): Promise<Hostile> {
  const child = adopt(fork(processFile))
  const [port] = (await once(child, 'message')) as [number]
  return {
    urlOf: (number) => `http://127.0.0.1:${port}/${number}`,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
