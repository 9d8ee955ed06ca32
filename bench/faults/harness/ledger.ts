import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { Reply } from './operator.ts'

/** One event as its publisher knows it. */
export type Entry = {
  readonly key: string
  readonly workspaceId: string
  readonly eventType: string
  readonly payloadText: string
  readonly sha256: string
  /** The endpoints that must get it. */
  readonly targets: readonly number[]
  /** One for each try, in their order. */
  readonly replies: Reply[]
  /** Public id, once accepted. */
  eventId: string | null
}

/** What was asked for and what was answered, on disk after each reply. */
export type Ledger = AsyncDisposable & {
  readonly entries: readonly Entry[]
  readonly begin: (event: Omit<Entry, 'sha256' | 'replies' | 'eventId'>) => Entry
  /** Resolves when the line is on disk. */
  readonly reply: (entry: Entry, reply: Reply) => Promise<void>
  /** Entries that were accepted. */
  readonly accepted: () => Entry[]
  /** All replies with this outcome. */
  readonly replies: (outcome: Reply['outcome']) => Reply[]
}

/** Appends to a file. Lines that wait for one sync share the next. */
export async function openLedger(path: string): Promise<Ledger> {
  const file = await open(path, 'a')
  const entries: Entry[] = []
  let waiting: string[] = []
  let writing = Promise.resolve()

  async function write(): Promise<void> {
    const lines = waiting
    waiting = []
    if (lines.length === 0) return
    await file.appendFile(lines.join(''))
    await file.datasync()
  }

  return {
    entries,
    begin: (event) => {
      const sha256 = createHash('sha256').update(event.payloadText).digest('base64url')
      const entry: Entry = { ...event, sha256, replies: [], eventId: null }
      entries.push(entry)
      return entry
    },
    reply: (entry, reply) => {
      entry.replies.push(reply)
      const { outcome, code, sentMs, repliedMs } = reply
      const line = { key: entry.key, outcome, code, eventId: entry.eventId, sentMs, repliedMs }
      waiting.push(`${JSON.stringify(line)}\n`)
      writing = writing.then(write)
      return writing
    },
    accepted: () => entries.filter(({ eventId }) => eventId !== null),
    replies: (outcome) => {
      return entries.flatMap(({ replies }) => replies.filter((one) => one.outcome === outcome))
    },
    [Symbol.asyncDispose]: async () => {
      await writing
      await file.close()
    },
  }
}
