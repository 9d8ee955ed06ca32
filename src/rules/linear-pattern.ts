import { RE2JS } from 're2js'
import { patternSizeMax, patternStepsMax } from '../limits.ts'

/** A pattern of a schema that is not taken. The message is a sentence for its author. */
export class PatternRefused extends Error {}

/** A regular expression as a schema's compiler uses it. */
export type LinearPattern = {
  readonly test: (text: string) => boolean
  readonly toString: () => string
}

/** What the patterns of one schema may still cost for the payload at hand. */
export class PatternBudget {
  #left = patternStepsMax

  /** For the next payload. */
  renew(): void {
    this.#left = patternStepsMax
  }

  /** Before the steps are taken, so that the longest text is refused, not waited for. */
  spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw new PatternsTooCostly()
  }
}

/** A payload that would keep everybody waiting. The message continues "payload ". */
export class PatternsTooCostly extends Error {
  constructor() {
    super(
      `takes over ${patternStepsMax} steps of its schema's patterns: their sizes times the ` +
        'lengths of the texts. Use maxLength for lengths.',
    )
  }
}

/**
 * A pattern whose time grows with the text and no faster. V8's own engine goes back and tries
 * again: `^(a+)+$` takes seconds for 30 characters, and the process serves nobody meanwhile. The
 * price is that lookaround and backreferences do not exist (RE2's syntax).
 */
export function linearPattern(pattern: string, budget: PatternBudget): LinearPattern {
  const compiled = compile(pattern)
  const size = compiled.programSize()
  if (size <= patternSizeMax) {
    const test = (text: string) => {
      budget.spend(size * (text.length + 1))
      return compiled.test(text)
    }
    return { test, toString: () => pattern }
  }
  const limit = `${size} steps, limit ${patternSizeMax}`
  throw new PatternRefused(
    `pattern "${pattern}" is too large: ${limit}. Use maxLength for lengths.`,
  )
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(pattern))
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : ''
    throw new PatternRefused(
      `pattern "${pattern}" cannot be used: ${reason}. Patterns are matched in linear time, so ` +
        'they have neither lookaround nor backreferences (RE2 syntax).',
      { cause: error },
    )
  }
}
