import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { Pool } from '../db.ts'
import { nearestName } from '../rules/event-match.ts'
import { readCatalogue, type CatalogueRow } from '../store/subscription.ts'

type Entry = CatalogueRow & { validate?: ValidateFunction }

/** The operator's event types as publishing needs them, as of one version. */
export class Catalogue {
  readonly #version: string
  readonly #entries: ReadonlyMap<string, Entry>

  constructor(version: string, rows: readonly CatalogueRow[]) {
    this.#version = version
    this.#entries = new Map(rows.map((row) => [row.name, { ...row }]))
  }

  async refreshed(pool: Pool, version: string): Promise<Catalogue> {
    return version === this.#version ? this : new Catalogue(version, await readCatalogue(pool))
  }

  /** Why an event of this type may not be published, or undefined. */
  refusal(eventType: string): string | undefined {
    const entry = this.#entries.get(eventType)
    if (entry?.status === 'RESERVED') {
      return `"${eventType}" is reserved for the future: it can be subscribed to, not published.`
    }
    if (entry) return undefined
    const near = nearestName(eventType, [...this.#entries.keys()])
    return `"${eventType}" is not in the catalogue.${near ? ` Did you mean "${near}"?` : ''}`
  }

  /** Where the payload does not fit its type's schema, or undefined. */
  misfit(eventType: string, payloadText: string): string | undefined {
    const entry = this.#entries.get(eventType)
    if (!entry || entry.schema === null) return undefined
    entry.validate ??= compileSchema(entry.schema)
    if (entry.validate(JSON.parse(payloadText))) return undefined
    const [first] = entry.validate.errors ?? []
    const where = first?.instancePath ? `at ${first.instancePath} ` : ''
    return `does not fit the schema of "${eventType}": ${where}${first?.message ?? 'not valid'}.`
  }
}

/** Compiled on first use. Schemas were checked when they were written, by the same options. */
function compileSchema(schema: object | boolean): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, allErrors: false })
  addFormats.default(ajv)
  return ajv.compile(schema)
}
