import { responseBodyBytesMax } from '../limits.ts'

const empty = Buffer.alloc(0)

/**
 * The first bytes of an answer. Copied into one growing buffer: a receiver that sends 16,000 chunks
 * of one byte would otherwise make us hold 16,000 objects, a hundred times what is stored.
 */
export class BoundedBody {
  #bytes: Buffer = empty
  #length = 0

  /** Adds what fits; false when something did not. */
  append(chunk: Buffer): boolean {
    const wanted = this.#length + chunk.length
    if (wanted > this.#bytes.length) this.#grow(Math.min(wanted, responseBodyBytesMax))
    this.#length += chunk.copy(this.#bytes, this.#length)
    return wanted <= responseBodyBytesMax
  }

  /** What was kept. */
  read(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #grow(needed: number): void {
    // Answers that come in one chunk, nearly all, need no more than their size.
    const size = this.#length === 0 ? needed : Math.max(needed, this.#bytes.length * 2)
    const grown = Buffer.allocUnsafeSlow(Math.min(size, responseBodyBytesMax))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}
