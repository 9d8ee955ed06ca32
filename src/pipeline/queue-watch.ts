import type { Clock } from '../clock.ts'
import { leaseSeconds } from '../limits.ts'
import type { LaneQueue } from '../queue.ts'

/** A queue that is watched, and what is wrong with it in words; null: nothing is. */
export type WatchedQueue = { readonly queue: LaneQueue; readonly problem: () => string | null }

/**
 * Notes when lanes were last claimed or renewed. While neither works for as long as a lease lasts,
 * this process delivers nothing, or soon will not.
 */
export function watchQueue(queue: LaneQueue, clock: Clock): WatchedQueue {
  let answeredMs = clock.now().getTime()
  const noting = async <Answer>(asked: Promise<Answer>): Promise<Answer> => {
    const answer = await asked
    answeredMs = clock.now().getTime()
    return answer
  }
  return {
    queue: {
      ...queue,
      claim: (count) => noting(queue.claim(count)),
      renew: (claims) => (claims.length === 0 ? queue.renew(claims) : noting(queue.renew(claims))),
    },
    problem: () => {
      const seconds = Math.round((clock.now().getTime() - answeredMs) / 1000)
      if (seconds <= leaseSeconds) return null
      return `The queue is not running: no lane could be claimed or renewed for ${seconds} s.`
    },
  }
}
