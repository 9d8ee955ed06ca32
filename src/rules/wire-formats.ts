import { previousSecretsMax } from '../limits.ts'

/** How one delivery looks on the wire. */
export type WireFormat =
  | 'STANDARD_WEBHOOKS'
  | 'TUTORCRUNCHER'
  | 'TRUTAC'
  | 'TUTORFLOW'
  | 'GITHUB'
  | 'STRIPE'

/** How the value of the signature header is built. */
export type SignatureRule = {
  readonly header: string
  readonly hmac: 'sha256' | 'sha1'
  /** The HMAC key: the whole secret's bytes, or what is made of the secret. */
  readonly key: 'SECRET' | 'BASE64_AFTER_WHSEC' | 'HEX_OF_SHA256'
  /** What is signed: these, joined by dots, the body last. */
  readonly content: readonly [...('EVENT_ID' | 'UNIX_SECONDS')[], 'BODY']
  readonly digest: 'base64' | 'hex'
  /** Whether the value starts with `t=<unix seconds>,`. */
  readonly leadsWithTime: boolean
  /** Stands before each signature. */
  readonly label: string
  /** Stands between signatures, where the header can carry several. */
  readonly separator: string
  /** How many signatures the header can carry: one for each secret that has not expired, or 1. */
  readonly signaturesMax: number
}

/** One format, all of it: adding a format is adding an entry to `wireFormats`. */
export type WireFormatRule = {
  readonly signature: SignatureRule
  /** Carries the event's type. */
  readonly eventHeader: string | null
  /** Carries a public id: the same one on every attempt of a delivery. */
  readonly idHeader: { readonly name: string; readonly carries: 'EVENT' | 'DELIVERY' } | null
  /** Carries the attempt's time in unix seconds. */
  readonly timestampHeader: string | null
  /** EVENTS is `{"events":[<payload>],"_request_time":<unix seconds of the attempt>}`. */
  readonly envelope: 'AS_PUBLISHED' | 'EVENTS'
  /** Whether a new endpoint is sent a ping unless its creator says otherwise. */
  readonly pingOnCreation: boolean
  /** WHSEC is `whsec_` + base64 of 24 to 64 bytes, TEXT is 16 to 128 characters of ASCII. */
  readonly acceptedSecrets: 'WHSEC' | 'TEXT'
  /** Seconds before each retry, where the endpoint has no schedule of its own. */
  readonly retrySchedule: readonly number[]
  /** Share of its delay by which a retry may come later, at random. */
  readonly jitterRatio: number
  /** Whether 410 Gone disables the endpoint; else it is an ordinary failure. */
  readonly disablesOnGone: boolean
}

/** Nine retries over a little more than three days, as the Standard Webhooks guide proposes. */
const standardSchedule = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]

const sha256OfBody = {
  hmac: 'sha256',
  key: 'SECRET',
  content: ['BODY'],
  digest: 'hex',
  leadsWithTime: false,
  label: '',
  separator: '',
  signaturesMax: 1,
} as const

const usual = {
  eventHeader: null,
  idHeader: null,
  timestampHeader: null,
  envelope: 'AS_PUBLISHED',
  pingOnCreation: false,
  acceptedSecrets: 'TEXT',
  retrySchedule: standardSchedule,
  jitterRatio: 0.2,
  disablesOnGone: true,
} as const

/** Every format. Whoever changes an entry changes what existing receivers verify. */
export const wireFormats: Readonly<Record<WireFormat, WireFormatRule>> = {
  // The Standard Webhooks specification 1.0.0, symmetric signatures (v1).
  STANDARD_WEBHOOKS: {
    ...usual,
    signature: {
      ...sha256OfBody,
      header: 'webhook-signature',
      key: 'BASE64_AFTER_WHSEC',
      content: ['EVENT_ID', 'UNIX_SECONDS', 'BODY'],
      digest: 'base64',
      label: 'v1,',
      separator: ' ',
      signaturesMax: previousSecretsMax + 1,
    },
    idHeader: { name: 'webhook-id', carries: 'EVENT' },
    timestampHeader: 'webhook-timestamp',
    acceptedSecrets: 'WHSEC',
  },
  TUTORCRUNCHER: {
    ...usual,
    signature: { ...sha256OfBody, header: 'Webhook-Signature' },
    idHeader: { name: 'Webhook-Id', carries: 'EVENT' },
    envelope: 'EVENTS',
  },
  TRUTAC: {
    ...usual,
    signature: { ...sha256OfBody, header: 'TT-Hook-Signature', hmac: 'sha1', label: 'sha1=' },
    eventHeader: 'TT-Hook-Event',
    idHeader: { name: 'TT-Hook-Delivery', carries: 'DELIVERY' },
    pingOnCreation: true,
  },
  TUTORFLOW: {
    ...usual,
    signature: { ...sha256OfBody, header: 'X-Platform-Signature', key: 'HEX_OF_SHA256' },
    eventHeader: 'X-Platform-Event',
    idHeader: { name: 'X-Platform-Delivery', carries: 'DELIVERY' },
    // Promised to its receivers to the second: four attempts in all, so without jitter.
    retrySchedule: [5, 25, 125],
    jitterRatio: 0,
    disablesOnGone: false,
  },
  GITHUB: {
    ...usual,
    signature: { ...sha256OfBody, header: 'X-Hub-Signature-256', label: 'sha256=' },
    eventHeader: 'X-GitHub-Event',
    idHeader: { name: 'X-GitHub-Delivery', carries: 'DELIVERY' },
    pingOnCreation: true,
  },
  STRIPE: {
    ...usual,
    signature: {
      ...sha256OfBody,
      header: 'Stripe-Signature',
      content: ['UNIX_SECONDS', 'BODY'],
      leadsWithTime: true,
      label: 'v1=',
      separator: ',',
      signaturesMax: previousSecretsMax + 1,
    },
  },
}

/** Names of all formats, in the order of the table. */
export const wireFormatNames = Object.keys(wireFormats) as readonly WireFormat[]

/** Names of the headers that a format adds to a request. */
export function headerNamesOf(format: WireFormat): string[] {
  const { signature, eventHeader, idHeader, timestampHeader } = wireFormats[format]
  const names = [idHeader?.name, timestampHeader, signature.header, eventHeader]
  return names.filter((name) => typeof name === 'string')
}
