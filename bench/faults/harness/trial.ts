import type { Finding } from './findings.ts'
import type { Random } from './random.ts'

/** One run of one experiment. */
export type Trial = {
  readonly random: Random
  /** A duration or a count at the scale of this run. */
  readonly scaled: (full: number) => number
  /** Events a second on a machine like this one. */
  readonly rate: (full: number) => number
  /** Progress, for whoever watches. */
  readonly say: (line: string) => void
  /** Removed afterwards, unless it is asked to be kept. */
  readonly folder: string
}

/** A fault, what is measured while it lasts, and what counts as surviving it. */
export type Experiment = {
  readonly id: string
  /** What is done to the program. */
  readonly title: string
  readonly run: (trial: Trial) => Promise<Finding[]>
}
