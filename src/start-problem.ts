import { isDatabaseDown } from './api/database-down.ts'
import { migrationLockMs } from './limits.ts'

/** Why the program cannot start, in one sentence for its operator: what it is and where to look. */
export function startProblem(error: unknown): string {
  const reason = innermost(error)
  const code = reason instanceof Error && 'code' in reason ? String(reason.code) : ''
  const message = reason instanceof Error ? reason.message : String(reason)
  if (code.startsWith('28')) return `The database refuses the login of DATABASE_URL: ${message}.`
  if (code === '3D000') return `DATABASE_URL names no database of that server: ${message}.`
  if (code === '55P03') {
    const waited = `A migration waited ${migrationLockMs / 1000} s for a lock`
    return `${waited}: end the transactions that hold it, and start again.`
  }
  if (!isDatabaseDown(error)) return message
  return `The database of DATABASE_URL cannot be reached: ${message}.`
}

/** A name with several addresses fails with an error for each, and with no words of its own. */
function innermost(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error) || depth > 5) return error
  if ('code' in error && !(error instanceof AggregateError)) return error
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause
  return inner === undefined || isOurs(error) ? error : innermost(inner, depth + 1)
}

/** Sentences of our own, such as which port is in use, say more than what caused them. */
function isOurs(error: Error): boolean {
  return error.message !== '' && !isDatabaseDown(error)
}
