/** The value that `share` of all values do not pass; NaN without any. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

/** Half of the values are no larger. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)] ?? NaN
  return ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}

/**
 * Each value beside the mean of the limits right before and right after it: a quiet minute of the
 * machine favours neither.
 */
export function ratioToNeighbours(values: readonly number[], limits: readonly number[]): number {
  const ratios = values.map((value, index) => {
    return (2 * value) / ((limits[index] ?? NaN) + (limits[index + 1] ?? NaN))
  })
  return median(ratios)
}
