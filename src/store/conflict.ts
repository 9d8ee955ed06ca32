/** Whether a statement failed because this unique constraint or index holds such a row already. */
export function violates(error: unknown, constraint: string): boolean {
  if (!(error instanceof Error)) return false
  const found = 'constraint' in error && error.constraint === constraint
  return found || violates(error.cause, constraint)
}
