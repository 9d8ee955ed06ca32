import { RE2JS } from 're2js'
import { patternSizeMax } from '../limits.ts'

/** A pattern of a schema that is not taken. The message is a sentence for its author. */
export class PatternRefused extends Error {}

/** A regular expression as a schema's compiler uses it. */
export type LinearPattern = {
  readonly test: (text: string) => boolean
  readonly toString: () => string
}

/**
 * A pattern whose time grows with the text and no faster. V8's own engine goes back and tries
 * again: `^(a+)+$` takes seconds for 30 characters, and the process serves nobody meanwhile. The
 * price is that lookaround and backreferences do not exist (RE2's syntax).
 */
export function linearPattern(pattern: string): LinearPattern {
  const compiled = compile(pattern)
  const size = compiled.programSize()
  if (size <= patternSizeMax) {
    return { test: (text) => compiled.test(text), toString: () => pattern }
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
