import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from './db.ts'
import { listenAgainMs, notifyEveryMs, notifyIdsMax } from './limits.ts'
import type { Log } from './log.ts'

/** Tells other processes that something happened to some ids. Hints: polling is behind each one. */
export type Notifier = AsyncDisposable & {
  readonly announce: (ids: readonly string[]) => void
  /** Begins to hear the others, and goes on until disposed. Only the first call does anything. */
  readonly listen: () => void
}

type NotifierOptions = {
  readonly pool: Pool
  readonly log: Log
  /** What it is about. */
  readonly channel: 'postrider_change' | 'postrider_lane'
  /** What other processes announced; null: more ids than fit. */
  readonly heard: (ids: readonly string[] | null) => void
}

/**
 * NOTIFY takes a lock of the whole database at commit: inside the recording transactions it took
 * inserts from 10,000 to 2,500 a second. So one of these announces what many transactions did, in
 * a statement of its own, at most once in `notifyEveryMs`.
 */
export function openNotifier({ pool, log, channel, heard }: NotifierOptions): Notifier {
  // Told apart by this from what other processes announce: our own subscribers know already.
  const self = randomUUID()
  const closing = new AbortController()
  let waiting = new Set<string>()
  let sending: Promise<void> | undefined
  let listening: Promise<void> | undefined

  async function send(): Promise<void> {
    while (waiting.size > 0 && !closing.signal.aborted) {
      const names = waiting.size > notifyIdsMax ? '*' : [...waiting].join(',')
      waiting = new Set()
      await pool
        .query({
          name: 'announce',
          text: '/* announce */ select pg_notify($1, $2)',
          values: [channel, `${self} ${names}`],
        })
        .catch((error: unknown) => log.debug({ err: error }, 'could not announce'))
      await pause(notifyEveryMs, undefined, { ref: false, signal: closing.signal }).catch(() => {})
    }
    sending = undefined
  }

  return {
    announce: (ids) => {
      for (const id of ids) waiting.add(id)
      sending ??= send()
    },
    listen: () => {
      listening ??= listen({ pool, log, channel, closing: closing.signal, hear })
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort()
      await Promise.all([sending, listening])
    },
  }

  function hear(payload: string): void {
    const [sender, names = ''] = payload.split(' ')
    if (sender !== self) heard(names === '*' ? null : names.split(','))
  }
}

type Listening = Pick<NotifierOptions, 'pool' | 'log' | 'channel'> & {
  readonly closing: AbortSignal
  readonly hear: (payload: string) => void
}

/** Holds one connection of the pool; where it breaks, another one, until closing. */
async function listen({ pool, log, channel, closing, hear }: Listening): Promise<void> {
  while (!closing.aborted) {
    try {
      const client = await pool.connect()
      client.on('notification', ({ payload = '' }) => hear(payload))
      try {
        await client.query(`/* listen */ listen ${channel}`)
        await once(client, 'end', { signal: closing })
      } finally {
        client.release(true) // it listens: of no use to others
      }
    } catch (error) {
      if (!closing.aborted) log.debug({ err: error }, 'not listening, trying again')
    }
    await pause(listenAgainMs, undefined, { ref: false, signal: closing }).catch(() => {})
  }
}
