import type { ReceivedRequest, Reply } from './receiver.ts'

/** A script for a receiver that answers when a test says so. */
export type Gate = {
  readonly script: (request: ReceivedRequest, index: number) => Promise<Reply>
  /** Requests that wait for their answer now. */
  readonly waiting: () => number
  /** Answers the one that waits longest, now or when it arrives. */
  readonly answer: (reply: Reply) => void
  /** Answers all that wait, and all that come. */
  readonly open: (reply: Reply) => void
}

/** Closed until it is told otherwise. */
export function newGate(): Gate {
  const waiting: ((reply: Reply) => void)[] = []
  const ready: Reply[] = []
  let everything: Reply | undefined
  return {
    script: () => {
      const reply = everything ?? ready.shift()
      if (reply !== undefined) return Promise.resolve(reply)
      return new Promise((resolve) => waiting.push(resolve))
    },
    waiting: () => waiting.length,
    answer: (reply) => {
      const resolve = waiting.shift()
      if (resolve) resolve(reply)
      else ready.push(reply)
    },
    open: (reply) => {
      everything = reply
      for (const resolve of waiting.splice(0)) resolve(reply)
    },
  }
}
