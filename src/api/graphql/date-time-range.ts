import { invalidInput } from '../../errors.ts'
import { builder } from './builder.ts'

/** A range of times as given. */
export type DateTimeRange = {
  readonly since?: Date | null | undefined
  readonly until?: Date | null | undefined
}

/** See {@link DateTimeRange}. */
export const DateTimeRangeInput = builder.inputType('DateTimeRange', {
  description: 'From one moment to another. An end that is left out is open.',
  fields: (t) => ({
    since: t.field({ type: 'DateTime', description: 'The first moment that is in it.' }),
    until: t.field({
      type: 'DateTime',
      description: 'The first moment that is not in it any more.',
    }),
  }),
})

/** The two ends of a range, or a refusal of one that holds no moment. */
export function readDateTimeRange(
  range: DateTimeRange | null | undefined,
  path: readonly string[],
): { readonly since: Date | null; readonly until: Date | null } {
  const since = range?.since ?? null
  const until = range?.until ?? null
  if (since && until && since >= until) {
    throw invalidInput([{ path, message: '"since" must be before "until".' }])
  }
  return { since, until }
}
