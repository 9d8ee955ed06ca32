import { pino, type Logger } from 'pino'
import pretty from 'pino-pretty'

export type Log = Logger

/**
 * One wide line a stage: ids, counts, durations and the decision taken, as JSON; readable on a
 * terminal. Secrets never reach a line; the paths below are the second lock on that door.
 */
export function createLog(level: string): Log {
  const redact = ['*.authorization', '*.secret', '*.key', 'authorization', 'secret']
  const options = { level, redact, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  if (!process.stdout.isTTY) return pino(options)
  return pino(options, pretty({ colorize: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid' }))
}
