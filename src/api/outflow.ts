import type { ServerResponse } from 'node:http'
import { streamStallMsMax } from '../limits/live.ts'

/** Where an answer goes that is written as it comes. */
export type Outflow = {
  /**
   * Ends when there is room for more, so that a slow client costs no memory. False: it has left,
   * or has taken nothing for `streamStallMsMax`.
   */
  readonly write: (text: string) => Promise<boolean>
  /** Whether what was written waits for the client. */
  readonly isFull: () => boolean
  /** Ends when the connection does. */
  readonly left: Promise<void>
  /** Cuts the client off, whatever it has not taken yet. */
  readonly cut: () => void
}

/** Writes an answer's head and then whatever `pour` has to say. */
export async function pourInto(
  response: ServerResponse,
  pour: (out: Outflow) => Promise<void>,
): Promise<void> {
  const left = new Promise<void>((resolve) => response.once('close', resolve))
  response.flushHeaders()
  try {
    await pour({
      write: (text) => write(response, text),
      isFull: () => response.writableNeedDrain,
      left,
      cut: () => response.destroy(),
    })
  } finally {
    response.end()
  }
}

async function write(response: ServerResponse, text: string): Promise<boolean> {
  if (response.destroyed) return false
  if (response.write(text)) return true
  const { promise, resolve } = Promise.withResolvers<void>()
  const stalled = setTimeout(() => response.destroy(), streamStallMsMax)
  response.once('drain', resolve).once('close', resolve)
  await promise
  // Not a race with `left`: that would keep something of every wait for as long as it is open.
  response.off('drain', resolve).off('close', resolve)
  clearTimeout(stalled)
  return !response.destroyed
}
