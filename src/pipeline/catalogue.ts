import type { Pool } from '../db.ts'
import { unknownName } from '../rules/event-match.ts'
import { isOperational } from '../rules/operational-event.ts'
import { compilePayloadSchema, type PayloadCheck } from '../rules/payload-schema.ts'
import { readCatalogue, type CatalogueRow } from '../store/subscription.ts'

type Entry = CatalogueRow & { check?: PayloadCheck }

/** The operator's event types as publishing needs them, as of one version. */
export class Catalogue {
  readonly version: string
  readonly #entries: ReadonlyMap<string, Entry>

  constructor(version: string, rows: readonly CatalogueRow[]) {
    this.version = version
    this.#entries = new Map(rows.map((row) => [row.name, { ...row }]))
  }

  async refreshed(pool: Pool, version: string): Promise<Catalogue> {
    return version === this.version ? this : new Catalogue(version, await readCatalogue(pool))
  }

  /** Why an event of this type may not be published, or undefined. */
  refusal(eventType: string): string | undefined {
    if (isOperational(eventType)) return `"${eventType}" is published by the program itself.`
    const entry = this.#entries.get(eventType)
    if (entry?.status === 'RESERVED') {
      return `"${eventType}" is reserved for the future: it can be subscribed to, not published.`
    }
    return entry ? undefined : unknownName(eventType, [...this.#entries.keys()])
  }

  /** Where the payload does not fit its type's schema, or undefined. */
  misfit(eventType: string, payloadText: string): string | undefined {
    const entry = this.#entries.get(eventType)
    if (!entry || entry.schema === null) return undefined
    entry.check ??= checkOf(entry)
    const problem = entry.check(JSON.parse(payloadText))
    return problem && `does not fit the schema of "${eventType}": ${problem}.`
  }
}

/** Compiled on first use. A schema is compiled before it is stored, so a failure is our bug. */
function checkOf({ name, schema }: CatalogueRow): PayloadCheck {
  const compiled = compilePayloadSchema(schema)
  if (compiled.ok) return compiled.check
  throw new Error(`The stored schema of "${name}" does not compile: ${compiled.message}`)
}
