/** The statement itself is refused: data exceptions, constraints, program limits. */
export function isRefusedData(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^(22|23|54)\w{3}$/.test(code)
}
