import { type WireFormat } from '../../rules/wire-formats.ts'
import { builder } from './builder.ts'
import { valuesOf } from './enum-values.ts'

const meanings: Record<WireFormat, string> = {
  STANDARD_WEBHOOKS:
    'The Standard Webhooks specification: `webhook-id`, `webhook-timestamp`, and ' +
    '`webhook-signature` with HMAC-SHA-256 in base64. The one to choose for new receivers.',
  TUTORCRUNCHER: 'TutorCruncher: `Webhook-Signature`; the payload in a list `events`.',
  TRUTAC: 'TruTac: `TT-Hook-Signature` with HMAC-SHA-1, `TT-Hook-Event`; a ping on creation.',
  TUTORFLOW:
    'TutorFlow: `X-Platform-Signature` and `X-Platform-Event`; retried after 5, 25 and 125 s.',
  GITHUB: 'GitHub: `X-Hub-Signature-256` and `X-GitHub-Event`; a ping on creation.',
  STRIPE: 'Stripe: `Stripe-Signature` with a timestamp.',
}

/** How requests look on the wire. */
export const WireFormatEnum = builder.enumType('WireFormat', {
  description:
    'How a request looks on the wire: its signature, further headers, and body, and which retry ' +
    'schedule is used unless the endpoint has its own.',
  values: valuesOf(meanings),
})
