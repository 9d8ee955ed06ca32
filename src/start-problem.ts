import { isDatabaseDown } from './api/database-down.ts'
import { migrationLockMs } from './limits.ts'

/** Why the program cannot start, in one sentence for its operator: what it is and where to look. */
export function startProblem(error: unknown): string {
  // A name with several addresses fails with an error for each, and with no words of its own.
  const reason: unknown = error instanceof AggregateError ? error.errors[0] : error
  if (!(reason instanceof Error)) return String(reason)
  const { message } = reason
  const code = 'code' in reason ? String(reason.code) : ''
  if (code.startsWith('28')) return `The database refuses the login of DATABASE_URL: ${message}.`
  if (code === '3D000') return `DATABASE_URL names no database of that server: ${message}.`
  if (code === '55P03') {
    const waited = `A migration waited ${migrationLockMs / 1000} s for a lock`
    return `${waited}: end the transactions that hold it, and start again.`
  }
  const isSentence = code === '' && reason.cause !== undefined // our own, about what caused it
  if (isSentence || !isDatabaseDown(reason)) return message
  return `The database of DATABASE_URL cannot be reached: ${message}.`
}
