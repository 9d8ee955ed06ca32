import type { WireFormatRule } from './wire-formats.ts'

/** The body of a request: the payload's text, or the envelope of its format around it. */
export function enveloped(
  { envelope }: Pick<WireFormatRule, 'envelope'>,
  payloadText: string,
  unixSeconds: number,
): string {
  if (envelope === 'AS_PUBLISHED') return payloadText
  return `{"events":[${payloadText}],"_request_time":${unixSeconds}}`
}
