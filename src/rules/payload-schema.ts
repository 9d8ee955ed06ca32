import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { eventTypeJsonBytesMax } from '../limits.ts'
import { countReferences, ReferenceBudget, TooManyReferences } from './counted-refs.ts'
import {
  linearPattern,
  PatternBudget,
  PatternRefused,
  PatternsTooCostly,
} from './linear-pattern.ts'
import { UniqueItems } from './unique-items.ts'

/** Why a payload does not fit, in words that continue "payload "; undefined: it fits. */
export type PayloadCheck = (payload: unknown) => string | undefined

/** A schema ready for use, or why it is none. */
export type CompiledSchema =
  | { readonly ok: true; readonly check: PayloadCheck }
  | { readonly ok: false; readonly message: string }

/**
 * Compiles a JSON Schema 2020-12. Keywords nobody knows are annotations, as the specification has
 * it (section 6.5), so that schemas with `x-` keywords of other tools are taken as they are. A
 * schema stands alone: nothing is fetched, so a `$ref` to elsewhere does not compile. Payloads come
 * from strangers and are checked while everybody else waits, so no keyword may take more time than
 * in proportion to their length.
 */
export function compilePayloadSchema(schema: unknown): CompiledSchema {
  const problem = checkForm(schema)
  if (problem !== undefined) return { ok: false, message: problem }
  const uniqueItems = new UniqueItems()
  const [patterns, references] = [new PatternBudget(), new ReferenceBudget()]
  try {
    const ajv = newCompiler({ uniqueItems, patterns, references })
    const validate = ajv.compile(schema as object | boolean)
    const check: PayloadCheck = (payload) => {
      patterns.renew()
      references.renew()
      const fits = fitsWithin(() => validate(payload))
      uniqueItems.clear()
      if (fits === true) return undefined
      if (fits !== false) return fits
      const [first] = validate.errors ?? []
      const where = first?.instancePath ? `at ${first.instancePath} ` : ''
      return `${where}${first?.message ?? 'is not valid'}`
    }
    const [vain] = smallest.filter((text) => check(JSON.parse(text)) === inCircles)
    if (vain === undefined) return { ok: true, check }
    return { ok: false, message: `not usable: even the payload ${vain} ${inCircles}` }
  } catch (error) {
    if (error instanceof PatternRefused) return { ok: false, message: error.message }
    return { ok: false, message: `not a valid JSON Schema 2020-12: ${reasonOf(error)}.` }
  }
}

/** One of each type: what costs too much for these does so for all of the type. */
const smallest = ['null', 'true', '0', '""', '[]', '{}']
const inCircles = new TooManyReferences().message

/** Whether it fits, or why that cannot be found out. */
function fitsWithin(validate: () => boolean): boolean | string {
  try {
    return validate()
  } catch (error) {
    if (error instanceof PatternsTooCostly || error instanceof TooManyReferences) {
      return error.message
    }
    // The stack is full: no payload is deep enough for that.
    if (error instanceof RangeError) return inCircles
    throw error
  }
}

type Bounds = {
  readonly uniqueItems: UniqueItems
  readonly patterns: PatternBudget
  readonly references: ReferenceBudget
}

/** One compiler for each schema: two schemas may have the same `$id`. */
function newCompiler({ uniqueItems, patterns, references }: Bounds): Ajv2020 {
  const compile = (pattern: string) => linearPattern(pattern, patterns)
  const regExp = Object.assign(compile, { code: 'linearPattern' })
  // A definition that is inlined wherever it is referred to makes megabytes of code.
  const options = { strict: false, allErrors: false, logger: false, inlineRefs: false } as const
  const ajv = new Ajv2020({ ...options, code: { regExp } })
  countReferences(ajv, references)
  addFormats.default(ajv)
  // The library's own goes back for every colon: minutes for 256 KiB. Its others are linear.
  ajv.addFormat('url', (text) => /^(?:https?|ftp):/i.test(text) && URL.canParse(text))
  ajv.removeKeyword('uniqueItems')
  return ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (wanted: boolean, items: unknown[]) => !wanted || uniqueItems.areUnique(items),
    error: { message: 'must NOT have duplicate items' },
  })
}

function checkForm(schema: unknown): string | undefined {
  if (typeof schema === 'boolean') return undefined
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    return 'must be a JSON Schema: an object, true or false.'
  }
  const bytes = Buffer.byteLength(JSON.stringify(schema))
  if (bytes > eventTypeJsonBytesMax) return `${bytes} bytes, limit ${eventTypeJsonBytesMax}.`
  // The compiler's own extension: its checks would answer promises, and every payload would pass.
  return '$async' in schema ? '"$async" is not a keyword of JSON Schema.' : undefined
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^schema is invalid: data/, 'schema') : ''
}
