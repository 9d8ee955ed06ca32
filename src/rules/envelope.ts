import type { WireFormatRule } from './wire-formats.ts'

/** What stands around the payload in the body of a request. */
export type Envelope = { readonly before: string; readonly after: string }

/** Null: the body is the payload, byte for byte. */
export function envelopeOf(
  { envelope }: Pick<WireFormatRule, 'envelope'>,
  unixSeconds: number,
): Envelope | null {
  if (envelope === 'AS_PUBLISHED') return null
  return { before: '{"events":[', after: `],"_request_time":${unixSeconds}}` }
}
