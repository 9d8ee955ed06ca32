/** Whether a statement failed because this unique constraint or index holds such a row already. */
export function violates(error: unknown, constraint: string): boolean {
  if (!(error instanceof Error)) return false
  const found = 'constraint' in error && error.constraint === constraint
  return found || violates(error.cause, constraint)
}

/** Whether a statement was ended because it and another waited for each other. */
export function lostADeadlock(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '40P01'
}
