import { readFileSync } from 'node:fs'

/** One row of the table: an input and whether it must be allowed, and why. */
export type SsrfCase = {
  readonly input: string
  readonly kind: string
  readonly allowed: boolean
  readonly why: string
}

/** The rows of some kinds. Inputs are JSON string contents, so that they can hold a tab. */
export function ssrfCases(...kinds: readonly string[]): readonly SsrfCase[] {
  const text = readFileSync(new URL('ssrf-cases.tsv', import.meta.url), 'utf8')
  return text
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => {
      const [input = '', kind = '', expected, why = ''] = line.split('\t')
      const decoded = JSON.parse(`"${input}"`) as string
      return { input: decoded, kind, allowed: expected === 'allow', why }
    })
    .filter(({ kind }) => kinds.includes(kind))
}
