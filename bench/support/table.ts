import { type Figure, verdictOf } from './part.ts'

const verdicts = { met: 'met', floor: 'floor held', missed: 'MISSED' } as const

/** The figures for people: one line each, under the heading of its group. */
export function tableOf(figures: readonly Figure[]): string {
  const lines = [...Map.groupBy(figures, (figure) => figure.group)].map(([group, members]) => {
    return [group, ...members.map(lineOf)].join('\n')
  })
  return `${lines.join('\n\n')}\n`
}

function lineOf(figure: Figure): string {
  const { name, value, p95, unit, limit, ratio } = figure
  const cells = [
    `  ${name.padEnd(46)}`,
    `${shown(value)} ${unit}`.padStart(12),
    (p95 === undefined ? '' : `p95 ${shown(p95)}`).padEnd(11),
    (limit ? `${shown(limit.value)} ${unit} ${limit.name}` : '').padEnd(42),
    (ratio === undefined ? '' : ratio.toFixed(2)).padStart(6),
    boundOf(figure),
  ]
  return cells.join('  ').trimEnd()
}

function boundOf(figure: Figure): string {
  const { bound } = figure
  const verdict = verdictOf(figure)
  if (!bound || !verdict) return ''
  const floor = bound.floor === undefined ? '' : `, floor ${bound.floor}`
  const sign = bound.best === 'high' ? '≥' : '≤'
  return `${verdicts[verdict]} (${sign} ${bound.aim}${floor})`
}

/** Three digits that mean something; nobody repeats a benchmark to the fourth. */
function shown(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { maximumFractionDigits: digits })
}
