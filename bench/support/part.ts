/** Sizes of a run. All are named on the command line, `--deliveries 10000` for one. */
export type Settings = {
  /** Cases of `deliveries`: each number of endpoints with each number of bytes. */
  readonly endpoints: readonly number[]
  readonly bytes: readonly number[]
  /** In one round of throughput; bodies over 4 KB: half of it. */
  readonly deliveries: number
  readonly rounds: number
  /** Clients that publish at the same time. */
  readonly publishers: number
  /** Of each paced measurement. */
  readonly seconds: number
  /** Events a second that `latency` publishes. */
  readonly rate: number
  /** Deliveries of one workspace at once in `burst`. */
  readonly burst: number
  /** Deliveries in the log, and deliveries that wait, in `backlog`. */
  readonly stored: number
  readonly waiting: number
  /** Subscriptions in `feed`. */
  readonly subscribers: number
}

/** What a figure is judged by. Of a ratio: the figure's, else its value. */
export type Bound = {
  readonly of: 'ratio' | 'value'
  readonly best: 'high' | 'low'
  readonly aim: number
  /** Worse than the aim and still bearable; absent: nothing is. */
  readonly floor?: number
}

/** One line of the table. */
export type Figure = {
  /** What was measured, under which load: the heading it stands under. */
  readonly group: string
  readonly name: string
  readonly value: number
  readonly unit: '/s' | 'ms' | 'µs' | 'MB' | 'B' | '%' | ''
  /** Where the value is the median of many times: 95 of 100 were no longer. */
  readonly p95?: number
  /** What it is compared with, measured in the same run. */
  readonly limit?: { readonly name: string; readonly value: number }
  /** Of value and limit. Where noise matters it is the median of several, not their quotient. */
  readonly ratio?: number
  readonly bound?: Bound
}

/** One benchmark: `npm run bench -- <name>`. */
export type Part = {
  readonly name: string
  readonly run: (settings: Settings) => Promise<readonly Figure[]>
}

/** Whether a figure is where it should be; undefined: nobody said where. */
export function verdictOf({ value, ratio, bound }: Figure): 'met' | 'floor' | 'missed' | undefined {
  const judged = bound?.of === 'ratio' ? ratio : value
  if (!bound || judged === undefined) return undefined
  const reaches = (goal: number) => (bound.best === 'high' ? judged >= goal : judged <= goal)
  if (reaches(bound.aim)) return 'met'
  return bound.floor !== undefined && reaches(bound.floor) ? 'floor' : 'missed'
}
