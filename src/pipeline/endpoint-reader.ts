import type { LoadEndpoint } from './load.ts'
import type { LaneEndpoint } from './stages.ts'

/** What reading an endpoint again needs. */
export type EndpointReaderOptions = {
  readonly endpointId: string
  readonly load: LoadEndpoint
  /** As it is now; undefined: that could not be read. */
  readonly adopt: (endpoint: LaneEndpoint | undefined) => void
  readonly failed: (error: unknown) => void
}

/**
 * Reads the endpoint of an open lane again, one read at a time: many wishes that come during a read
 * share the next one. What is read is adopted unless a change came during the read.
 */
export class EndpointReader {
  readonly #options: EndpointReaderOptions
  /** Counts wishes; the last of them that was a change. */
  #wishes = 0
  #lastChange = 0
  #isReading = false

  constructor(options: EndpointReaderOptions) {
    this.#options = options
  }

  /** It may be different. */
  read(): void {
    this.#wishes += 1
    if (!this.#isReading) void this.#readOn()
  }

  /** It is different: what is being read now may be as it was. */
  readChange(): void {
    this.#lastChange = this.#wishes + 1
    this.read()
  }

  async #readOn(): Promise<void> {
    this.#isReading = true
    const { endpointId, load, adopt, failed } = this.#options
    for (let read = 0; read !== this.#wishes;) {
      read = this.#wishes
      const endpoint = await load(endpointId).catch(failed)
      if (read >= this.#lastChange) adopt(endpoint ?? undefined)
    }
    this.#isReading = false
  }
}
