/**
 * Requests of this process that have an idempotency key in common follow one another. Each would
 * otherwise wait for its rival inside a transaction, on a connection of its own: twenty clients
 * that repeat one key would hold all there are.
 */
export class KeyTurns {
  /** The last that came for each key, ended or not. */
  readonly #last = new Map<string, Promise<unknown>>()

  /** Runs after all that came before it for any of these keys, whatever became of them. */
  run<Result>(keys: readonly string[], work: () => Promise<Result>): Promise<Result> {
    const before = keys.flatMap((key) => this.#last.get(key) ?? [])
    const ending = Promise.allSettled(before).then(work)
    for (const key of keys) this.#last.set(key, ending)
    const forget = () => {
      for (const key of keys) if (this.#last.get(key) === ending) this.#last.delete(key)
    }
    ending.then(forget, forget)
    return ending
  }
}
