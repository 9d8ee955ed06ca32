import { randomBytes } from 'node:crypto'
import { secretBytesMax, secretBytesMin, secretLengthMax, secretLengthMin } from '../limits.ts'
import { wireFormats } from './wire-formats.ts'
import type { WireFormat } from './wire-formats.ts'

const prefix = 'whsec_'

/** A new secret, `whsec_` + base64 of 32 random bytes: every format accepts it. */
export function generateSecret(): string {
  return prefix + randomBytes(32).toString('base64')
}

/**
 * What is wrong with a secret for a format, without ever repeating the secret. Base64 is that of
 * RFC 4648 section 4, padded: receivers' libraries decode other forms each in their own way, and
 * a key that two sides decode differently verifies nothing.
 */
export function checkSecret(format: WireFormat, secret: string): string | undefined {
  const accepted = wireFormats[format].acceptedSecrets
  return accepted === 'WHSEC' ? checkWhsecSecret(secret) : checkTextSecret(secret)
}

/** The bytes behind `whsec_`, or undefined where there is no such secret. */
export function whsecBytes(secret: string): Buffer | undefined {
  if (!secret.startsWith(prefix)) return undefined
  const encoded = secret.slice(prefix.length)
  const bytes = Buffer.from(encoded, 'base64')
  return bytes.toString('base64') === encoded ? bytes : undefined
}

function checkWhsecSecret(secret: string): string | undefined {
  const bytes = whsecBytes(secret)
  if (bytes && bytes.length >= secretBytesMin && bytes.length <= secretBytesMax) return undefined
  const got = bytes ? `${bytes.length} bytes` : whatElse(secret)
  const range = `${secretBytesMin} to ${secretBytesMax} bytes`
  return `must be "${prefix}" + base64 of ${range}; got ${got}.`
}

function whatElse(secret: string): string {
  return secret.startsWith(prefix) ? 'other text behind the prefix' : 'another prefix'
}

/** Space is accepted within: secrets are phrases to some vendors. At an end it is a slip. */
function checkTextSecret(secret: string): string | undefined {
  const range = `${secretLengthMin} to ${secretLengthMax} characters`
  const { length } = secret
  if (length < secretLengthMin || length > secretLengthMax)
    return `must be ${range}; got ${length}.`
  const wrong = secret.search(/[^ -~]|^ | $/)
  return wrong < 0 ? undefined : `must be visible ASCII; character ${wrong + 1} is not.`
}
