import { killMidDelivery } from './experiments/r01-kill-mid-delivery.ts'
import type { Experiment } from './harness/trial.ts'

/** All experiments, in the order in which they run. */
export const suite: readonly Experiment[] = [killMidDelivery]
