/** Node's words for a server that cannot be reached, or a connection that broke. */
const networkCode =
  /^(ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE|ENOENT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/

/**
 * PostgreSQL's: class 08 connection (but 08P01, a message of ours it cannot read), 57P shutdown and
 * start, 57014 a statement that took too long, 53 out of resources, 25006 a replica that was not
 * promoted yet, 40 a serialisation failure or deadlock.
 */
const stateCode = /^(08(?!P01)...|57P0[1-5]|57014|53...|25006|40...)$/

/** The driver's, which have no code: the pool timed out, or the socket ended under a query. */
const driverMessages = [
  'timeout exceeded when trying to connect',
  'Connection terminated',
  'Client has encountered a connection error',
  'Cannot use a pool after calling end',
]

/** Whether a statement failed because the database could not do it now. Looks into causes. */
export function isDatabaseDown(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > 5) return false
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (networkCode.test(code) || stateCode.test(code)) return true
  if (driverMessages.some((text) => error.message.includes(text))) return true
  const inner = [error.cause, ...(error instanceof AggregateError ? error.errors : [])]
  return inner.some((one) => isDatabaseDown(one, depth + 1))
}
