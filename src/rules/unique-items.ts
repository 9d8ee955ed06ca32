/**
 * Tells whether a list repeats a value, in the time its length takes: comparing items two by two
 * takes 2.5 s for the 9,000 objects a payload can hold. Values are equal as JSON Schema has it
 * (core, section 4.2.2): 1.0 is 1, and the order of keys does not count.
 */
export class UniqueItems {
  /** Equal values have the same number, which stands for them in what they are inside of. */
  readonly #numbers = new Map<string, number>()
  /** A list inside a list inside a list is read once, not once for each. */
  readonly #known = new Map<object, number>()

  areUnique(items: readonly unknown[]): boolean {
    return new Set(items.map((item) => this.#numberOf(item))).size === items.length
  }

  /** Forgets all values. To be called after each payload. */
  clear(): void {
    this.#numbers.clear()
    this.#known.clear()
  }

  #numberOf(value: unknown): number {
    if (typeof value !== 'object' || value === null) return this.#numberOfText(plainText(value))
    const known = this.#known.get(value)
    if (known !== undefined) return known
    const number = this.#numberOfText(this.#textOf(value))
    this.#known.set(value, number)
    return number
  }

  #textOf(value: object): string {
    if (Array.isArray(value)) return `[${value.map((item) => this.#numberOf(item)).join()}]`
    const entries = Object.entries(value).map(([key, entry]) => {
      return `${JSON.stringify(key)}:${this.#numberOf(entry)}`
    })
    return `{${entries.toSorted().join()}}`
  }

  #numberOfText(text: string): number {
    const number = this.#numbers.get(text) ?? this.#numbers.size
    this.#numbers.set(text, number)
    return number
  }
}

/** Not JSON.stringify for numbers: it makes null of one that is too large for a double. */
function plainText(value: unknown): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value)
}
