import { PassThrough } from 'node:stream'
import { createLog, type Log } from '../../src/log.ts'

/** A log whose lines can be read. */
export type KeptLog = { readonly log: Log; readonly lines: () => readonly string[] }

/** One that keeps every line in memory. */
export function keepLog(): KeptLog {
  const stream = new PassThrough()
  const lines: string[] = []
  stream.on('data', (line: Buffer) => lines.push(line.toString()))
  return { log: createLog('info', stream), lines: () => lines }
}
