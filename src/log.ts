import { type DestinationStream, pino, type Logger } from 'pino'
import pretty from 'pino-pretty'

/** Where the program says what it does. See {@link createLog} for what may be on a line. */
export type Log = Logger

/**
 * One wide line a stage: ids, counts, durations and the decision taken, as JSON; readable on a
 * terminal. Secrets never reach a line; the paths below are the second lock on that door. `to` is
 * the standard output unless given.
 */
export function createLog(level: string, to?: DestinationStream): Log {
  const redact = ['*.authorization', '*.secret', '*.key', 'authorization', 'secret']
  const serializers = { err: withoutRows }
  const timestamp = pino.stdTimeFunctions.isoTime
  const options = { level, redact, serializers, base: null, timestamp }
  if (to) return pino(options, to)
  if (!process.stdout.isTTY) return pino(options)
  return pino(options, pretty({ colorize: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid' }))
}

/** PostgreSQL shows the row that it refused, which may hold a payload or a name. */
function withoutRows(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const shown = pino.stdSerializers.err(error)
  const { message, stack } = shown
  const texts = { message: withoutDetail(message), stack: withoutDetail(stack) }
  return { ...shown, ...texts, detail: undefined, where: undefined }
}

/** The ORM puts it into the message, and so into the stack. */
function withoutDetail(text: string | undefined): string | undefined {
  return text?.replaceAll(/\n - detail: [\s\S]*?(?=\n {4}at |$)/g, '')
}
