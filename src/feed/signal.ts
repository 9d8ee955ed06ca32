/** Something to wait for: raised by one side, awaited by the other, kept while nobody waits. */
export type Signal = {
  readonly raise: () => void
  /** Ends when raised, at once if it was since the last wait, or after `ms`. For one waiter. */
  readonly wait: (ms: number) => Promise<void>
}

/** A signal that was not raised yet. */
export function newSignal(): Signal {
  let raised = false
  let wake: (() => void) | undefined
  return {
    raise: () => {
      raised = true
      wake?.()
    },
    wait: async (ms) => {
      if (!raised) {
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        const timer = ms === Infinity ? undefined : setTimeout(resolve, ms).unref()
        await promise
        clearTimeout(timer)
        wake = undefined
      }
      raised = false
    },
  }
}
