/** One measured value, and whether it is what it must be. */
export type Finding = {
  readonly name: string
  readonly value: number | string
  /** What it must be, in words; null: only noted. */
  readonly bound: string | null
  readonly ok: boolean
}

/** Must not be more. */
export function atMost(name: string, value: number, bound: number): Finding {
  return { name, value: round(value), bound: `≤ ${round(bound)}`, ok: value <= bound }
}

/** Must not be less. Also guards against an experiment whose fault did not land. */
export function atLeast(name: string, value: number, bound: number): Finding {
  return { name, value: round(value), bound: `≥ ${round(bound)}`, ok: value >= bound }
}

/** Must be exactly this. */
export function exactly(name: string, value: number | string, wanted: number | string): Finding {
  return { name, value, bound: `= ${wanted}`, ok: value === wanted }
}

/** For the reader; there is nothing it must be. */
export function noted(name: string, value: number | string): Finding {
  return { name, value: typeof value === 'number' ? round(value) : value, bound: null, ok: true }
}

function round(value: number): number {
  return Math.abs(value) < 100 ? Number(value.toFixed(1)) : Math.round(value)
}
