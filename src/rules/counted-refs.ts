import { _, type Ajv2020, type CodeKeywordDefinition } from 'ajv/dist/2020.js'
import { schemaReferencesMax } from '../limits.ts'

/** How many references of one schema may still be followed for the payload at hand. */
export class ReferenceBudget {
  #left = schemaReferencesMax

  /** For the next payload. */
  renew(): void {
    this.#left = schemaReferencesMax
  }

  readonly spend = (): void => {
    this.#left -= 1
    if (this.#left < 0) throw new TooManyReferences()
  }
}

/** A schema that would keep everybody waiting, or never end. The message continues "payload ". */
export class TooManyReferences extends Error {
  constructor() {
    super(
      `takes over ${schemaReferencesMax} references ("$ref") of its schema, or goes in circles.`,
    )
  }
}

/**
 * Has each reference counted as it is followed. Without references a schema takes a payload's
 * length times its own; with them forty definitions, each of which refers to the next one twice,
 * take a trillion steps.
 */
export function countReferences(ajv: Ajv2020, budget: ReferenceBudget): void {
  for (const keyword of ['$ref', '$dynamicRef']) {
    const { code, ...rest } = ajv.getKeyword(keyword) as CodeKeywordDefinition
    ajv.removeKeyword(keyword)
    ajv.addKeyword({
      ...rest,
      code: (context, ruleType) => {
        const spend = context.gen.scopeValue('func', { ref: budget.spend })
        context.gen.code(_`${spend}()`)
        code(context, ruleType)
      },
    })
  }
}
