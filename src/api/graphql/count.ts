import { countMax } from '../../limits.ts'
import { builder } from './builder.ts'
import { valuesOf } from './enum-values.ts'

/** A number of rows, counted no further than `countMax`. */
export type Count = { readonly value: number; readonly precision: 'EXACT' | 'AT_LEAST' }

/** How far to count, for a statement: one more than is shown tells whether there are more. */
export const countTo = countMax + 1

/** What a statement that counted to `countTo` found. */
export function countOf(found: number): Count {
  if (found > countMax) return { value: countMax, precision: 'AT_LEAST' }
  return { value: found, precision: 'EXACT' }
}

const CountPrecisionEnum = builder.enumType('CountPrecision', {
  description: 'How exact a count is.',
  values: valuesOf({
    EXACT: 'There are exactly so many.',
    AT_LEAST: 'There are more: counting stopped here.',
  }),
})

/** See {@link Count}. */
export const CountRef = builder.objectRef<Count>('Count').implement({
  description: `How many there are. Counting stops at ${countMax}: nobody reads further.`,
  fields: (t) => ({
    value: t.exposeInt('value', { description: `How many were counted, at most ${countMax}.` }),
    precision: t.expose('precision', {
      type: CountPrecisionEnum,
      description: 'Whether there are more.',
    }),
  }),
})
