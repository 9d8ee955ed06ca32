import type { Finding } from './findings.ts'

/** What one experiment came to. */
export type Result = {
  readonly id: string
  readonly title: string
  readonly seconds: number
  readonly ok: boolean
  readonly findings: readonly Finding[]
  /** It could not be carried out. */
  readonly error: string | null
}

/** All results as a table of Markdown, wrong findings first. */
export function table(results: readonly Result[]): string {
  const rows = results.map((result) => {
    const { id, title, seconds, findings } = result
    return `| ${id} | ${title} | ${verdictOf(result)} | ${words(findings)} | ${seconds} s |`
  })
  return ['| # | fault | verdict | measured | took |', '|---|---|---|---|---|', ...rows].join('\n')
}

/** One result in a line. */
export function summary(result: Result): string {
  return `${result.id} ${verdictOf(result)} in ${result.seconds} s: ${words(result.findings)}`
}

function verdictOf({ ok, error }: Result): string {
  return ok ? 'survived' : `**FAILED**${error ? ` (${error})` : ''}`
}

function words(findings: readonly Finding[]): string {
  const ordered = [...findings.filter(({ ok }) => !ok), ...findings.filter(({ ok }) => ok)]
  return ordered.map(inWords).join(', ')
}

function inWords({ name, value, bound, ok }: Finding): string {
  const measured = `${name} ${value}`
  if (!ok) return `**${measured}** (must be ${bound})`
  return bound === null || bound === '= 0' ? measured : `${measured} (${bound})`
}
