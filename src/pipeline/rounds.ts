/** A duty, and how long it rests between two rounds. */
export type RoundsOptions = {
  readonly everyMs: number
  readonly run: () => Promise<void>
  /** The next round comes all the same. */
  readonly failed: (error: unknown) => void
}

/** A duty that is done again and again, one round at a time, sooner when asked. */
export class Rounds {
  readonly #options: RoundsOptions
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | null = null
  #again = false
  #stopped = false

  constructor(options: RoundsOptions) {
    this.#options = options
    this.#rest()
  }

  /** Now, or right after the round that is under way. */
  soon(): void {
    if (this.#stopped) return
    if (this.#running) this.#again = true
    else this.#start()
  }

  /** Resolves once the round that is under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #rest(): void {
    this.#timer = setTimeout(() => this.#start(), this.#options.everyMs)
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#again = false
    const round = Promise.try(this.#options.run).catch(this.#options.failed)
    this.#running = round.then(() => {
      this.#running = null
      if (this.#stopped) return
      if (this.#again) this.#start()
      else this.#rest()
    })
  }
}
