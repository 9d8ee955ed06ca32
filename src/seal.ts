import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** One encryption key, with the name that ciphertexts carry. */
export type SealKey = { readonly id: string; readonly key: Buffer }

/** What was sealed, or why it cannot be read: one damaged row is that row's failure alone. */
export type Opened =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string }

/** Encrypts what the database must not show: secrets and header values. */
export type Sealer = {
  /** `context` names the row: a ciphertext copied into another row does not open. */
  readonly seal: (text: string, context: string) => Buffer
  readonly open: (bytes: Uint8Array, context: string) => Opened
}

const formatVersion = 1
const nonceBytes = 12
const tagBytes = 16
const keyBytes = 32

/**
 * Reads `id:base64,id:base64`: the first key encrypts, all of them decrypt, so a new key is put
 * in front and the old one stays until nothing carries its id. Answers what is wrong as text.
 */
export function readSealKeys(text: string): readonly SealKey[] | string {
  const keys: SealKey[] = []
  for (const [index, part] of text.split(',').entries()) {
    const read = readSealKey(part.trim())
    if (typeof read === 'string') return `key ${index + 1} ${read}`
    if (keys.some(({ id }) => id === read.id)) return `two keys have the id "${read.id}".`
    keys.push(read)
  }
  return keys
}

function readSealKey(part: string): SealKey | string {
  const [, id, encoded] = /^([\w.-]{1,32}):(.*)$/s.exec(part) ?? []
  if (id === undefined || encoded === undefined) {
    return 'must be <id>:<base64>, the id 1 to 32 letters, digits, dots, dashes or underscores.'
  }
  const key = Buffer.from(encoded, 'base64')
  if (key.toString('base64') !== encoded) return 'is not base64 behind its id.'
  if (key.length !== keyBytes) return `must be ${keyBytes} bytes; got ${key.length}.`
  return { id, key }
}

/**
 * AES-256-GCM. A sealed value is: version, length of the key's id, the id, nonce, ciphertext, tag.
 * Nonces are random: 96 bits are safe for 2^32 values a key (NIST SP 800-38D, section 8.3).
 */
export function newSealer(keys: readonly SealKey[]): Sealer {
  const [current] = keys
  if (!current) throw new RangeError('A sealer needs a key.')
  const keyOf = new Map(keys.map(({ id, key }) => [id, key]))
  return {
    seal: (text, context) => {
      const nonce = randomBytes(nonceBytes)
      const header = headerOf(current.id)
      const cipher = createCipheriv('aes-256-gcm', current.key, nonce)
      cipher.setAAD(bound(header, context))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([header, nonce, body, cipher.getAuthTag()])
    },
    open: (bytes, context) => {
      const parts = split(Buffer.from(bytes))
      if (!parts) return { ok: false, reason: 'is not a sealed value of a known version' }
      const key = keyOf.get(parts.keyId)
      if (!key) return { ok: false, reason: `was sealed with the unknown key "${parts.keyId}"` }
      return decrypt(parts, key, context)
    },
  }
}

type Parts = { header: Buffer; keyId: string; nonce: Buffer; body: Buffer; tag: Buffer }

/** What every value sealed with this key begins with, and none of another. */
export function headerOf(keyId: string): Buffer {
  const id = Buffer.from(keyId, 'latin1')
  return Buffer.concat([Buffer.from([formatVersion, id.length]), id])
}

function split(bytes: Buffer): Parts | undefined {
  const headerLength = 2 + (bytes[1] ?? 0)
  if (bytes[0] !== formatVersion) return undefined
  if (bytes.length < headerLength + nonceBytes + tagBytes) return undefined
  const bodyStart = headerLength + nonceBytes
  return {
    header: bytes.subarray(0, headerLength),
    keyId: bytes.toString('latin1', 2, headerLength),
    nonce: bytes.subarray(headerLength, bodyStart),
    body: bytes.subarray(bodyStart, -tagBytes),
    tag: bytes.subarray(-tagBytes),
  }
}

function decrypt({ header, nonce, body, tag }: Parts, key: Buffer, context: string): Opened {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  decipher.setAAD(bound(header, context)).setAuthTag(tag)
  try {
    const text = Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
    return { ok: true, text }
  } catch {
    return { ok: false, reason: 'was changed, moved to another row, or sealed with another key' }
  }
}

/** The header is bound too: nobody turns one version or key id into another. */
function bound(header: Buffer, context: string): Buffer {
  return Buffer.concat([header, Buffer.from(context, 'utf8')])
}

/** The row of a signing secret, for sealing and opening it. */
export function secretContext(workspaceId: string, secretId: string): string {
  return `endpoint_secret:${workspaceId}:${secretId}`
}

/** The row of an endpoint's custom headers, for sealing and opening them. */
export function headersContext(workspaceId: string, endpointId: string): string {
  return `endpoint_headers:${workspaceId}:${endpointId}`
}
