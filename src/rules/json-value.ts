/** What is asked of a parsed JSON value besides being one. */
export type JsonValueRules = {
  /** Levels of lists and objects. It also bounds the recursion here. */
  readonly depthMax: number
  /** The problem of one string or object key, in words. */
  readonly checkString?: (text: string) => string | undefined
}

/**
 * The first thing that keeps a value from being JSON under these rules. -0 and the infinities
 * (which `JSON.parse` makes of -0 and 1e400) are refused: `JSON.stringify` writes 0 and null.
 */
export function checkJsonValue(value: unknown, rules: JsonValueRules): string | undefined {
  return checkLevel(value, rules, 0)
}

function checkLevel(value: unknown, rules: JsonValueRules, depth: number): string | undefined {
  if (typeof value === 'string') return rules.checkString?.(value)
  if (typeof value === 'number') return checkNumber(value)
  if (typeof value === 'boolean' || value === null) return undefined
  if (typeof value !== 'object') return 'must be a JSON value.'
  if (depth === rules.depthMax) return `nested more than ${rules.depthMax} levels deep.`
  return Array.isArray(value)
    ? firstProblem(value, rules, depth + 1)
    : (firstProblem(Object.keys(value), rules, depth + 1) ??
        firstProblem(Object.values(value), rules, depth + 1))
}

function firstProblem(items: readonly unknown[], rules: JsonValueRules, depth: number) {
  for (const item of items) {
    const problem = checkLevel(item, rules, depth)
    if (problem !== undefined) return problem
  }
  return undefined
}

function checkNumber(value: number): string | undefined {
  if (!Number.isFinite(value)) return 'holds a number that is too large.'
  return Object.is(value, -0) ? 'holds -0, which would be written as 0.' : undefined
}
