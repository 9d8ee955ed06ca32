import { atMost, noted, type Finding } from './findings.ts'
import { quantile } from './latency.ts'

/** Timers and the scheduling of a small machine are no finer: below, a ratio says nothing. */
const slackMs = 15

/** The p99 of latencies under a fault, against the one without it in the same run. */
export function ratioFindings(
  name: string,
  { calm, faulty }: { calm: readonly number[]; faulty: readonly number[] },
  factor: number,
): Finding[] {
  const baseline = quantile(calm, 0.99)
  return [
    atMost(
      `${name} ms p99`,
      quantile(faulty, 0.99),
      Math.max(factor * baseline, baseline + slackMs),
    ),
    noted(`${name} ms p99 before`, baseline),
  ]
}
