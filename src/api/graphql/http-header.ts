import { isSecretHeader, redacted } from '../../rules/custom-headers.ts'
import { builder } from './builder.ts'

/** One header, as it may be shown. */
export type ShownHeader = {
  readonly name: string
  readonly value: string
  readonly redacted: boolean
}

/** A header without what may be a credential. */
export function showHeader(name: string, value: string): ShownHeader {
  const isSecret = isSecretHeader(name)
  return { name, value: isSecret ? redacted : value, redacted: isSecret }
}

/** See {@link ShownHeader}. */
export const HttpHeaderRef = builder.objectRef<ShownHeader>('HttpHeader').implement({
  description: 'One header of a request or of an answer.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'As it was written, case included.' }),
    value: t.exposeString('value', {
      description: '`REDACTED` where the name says that it is a credential.',
    }),
    redacted: t.exposeBoolean('redacted', {
      description: 'Whether the value is kept from being shown.',
    }),
  }),
})
