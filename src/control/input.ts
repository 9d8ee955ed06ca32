import { z } from 'zod'
import { type InputIssue, invalidInput } from '../errors.ts'
import { checkStorable, checkText, type TextLines } from '../rules/free-text.ts'

/**
 * Reads an input by its schema, or throws with every field that is wrong. The paths are those of
 * the public API, so that all its protocols point at the same place.
 */
export function readInput<Output>(schema: z.ZodType<Output>, input: unknown): Output {
  const read = schema.safeParse(input)
  if (read.success) return read.data
  throw invalidInput(issuesOf(read.error))
}

/** What a schema found, each field by its path in the public API. */
export function issuesOf({ issues }: z.ZodError): InputIssue[] {
  return issues.map(({ path, message }) => ({ path: path.map(String), message }))
}

/** Text that people write and read, at most this many characters. */
export function freeText(lengthMax: number, lines: TextLines = 'ONE_LINE') {
  return checked(z.string(), (text) => {
    if (text.length > lengthMax) return `${text.length} characters, limit ${lengthMax}.`
    return checkText(text, lines)
  })
}

/** An id of the caller's own: any text that can be stored, but not an empty one. */
export function foreignId(lengthMax: number) {
  return checked(z.string(), (text) => {
    if (text.length > lengthMax) return `${text.length} characters, limit ${lengthMax}.`
    return checkText(text) ?? checkStorable(text)
  })
}

/** A whole number within bounds, both included. */
export function wholeNumber(min: number, max: number) {
  return checked(z.number(), (number) => {
    const fits = Number.isInteger(number) && number >= min && number <= max
    return fits ? undefined : `must be a whole number from ${min} to ${max}; got ${number}.`
  })
}

/** A schema with a rule that answers what is wrong in words. */
export function checked<Value>(
  schema: z.ZodType<Value, Value>,
  problemOf: (value: Value) => string | undefined,
) {
  return schema.superRefine((value, context) => {
    const message = problemOf(value)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
}

/** One thing that is wrong within a list; no index means the list as a whole. */
export type ItemIssue = {
  readonly index: number | undefined
  readonly field?: string | undefined
  readonly message: string
}

/** A list with a rule that answers all that is wrong with it. */
export function checkedList<Item>(
  items: z.ZodType<Item, Item>,
  issuesOf: (list: readonly Item[]) => readonly ItemIssue[],
) {
  return z.array(items).superRefine((list, context) => {
    for (const { index, field, message } of issuesOf(list)) {
      const path = [index, field].filter((step) => step !== undefined)
      context.addIssue({ code: 'custom', path, message })
    }
  })
}

/** In a creation, null says the same as leaving a field out. */
export function optional<Value>(schema: z.ZodType<Value, Value>) {
  return schema.nullish().transform((value) => value ?? undefined)
}

/** In an update: left out stays as it is; null is refused, as there is no such thing as none. */
export function changed<Value>(schema: z.ZodType<Value>) {
  const message = 'must not be null.'
  return schema
    .nullish()
    .refine((value) => value !== null, message)
    .transform((value) => value ?? undefined)
}

/** In an update: left out stays as it is; null clears it. */
export function clearable<Value>(schema: z.ZodType<Value>) {
  return schema.nullish()
}

/** What is given of an update. An update of nothing is a mistake of the caller's. */
export function givenOf<Changes extends object>(changes: Changes): Given<Changes> {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined)
  if (given.length === 0) throw invalidInput([{ path: [], message: 'Nothing to update.' }])
  return Object.fromEntries(given) as Given<Changes>
}

type Given<Changes> = { [Name in keyof Changes]?: Exclude<Changes[Name], undefined> }
