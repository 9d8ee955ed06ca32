import { createHash, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'

const prefix = 'pr'
/** No 0, 1, i, l, o, u: what is left is not misread, and spells nothing. */
const alphabet = '23456789abcdefghjkmnpqrstvwxyz'
/** 40 characters of 30 kinds are 196 random bits. */
const randomLength = 40
const checksumLength = 6

/**
 * A new API key: `pr_`, 40 random characters, `_`, 6 characters of checksum. The checksum lets
 * us refuse a mistyped key without asking the database, and scanners find leaked ones.
 */
export function newApiKeyText(): string {
  let random = ''
  while (random.length < randomLength) random += alphabet[randomInt(alphabet.length)]
  return `${prefix}_${random}_${checksum(random)}`
}

/** Whether a text can be one of our keys at all. Tells nothing about whether it is one. */
export function isApiKeyText(text: string): boolean {
  if (text.length !== prefix.length + randomLength + checksumLength + 2) return false
  const [before, random = '', check] = text.split('_')
  return before === prefix && random.length === randomLength && check === checksum(random)
}

/** What is stored of a key. A hash without salt will do: the text is random, never chosen. */
export function hashApiKey(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** The first characters of a key, to recognise it by: 39 of its 196 random bits. */
export function apiKeyPrefix(text: string): string {
  return text.slice(0, prefix.length + 1 + 8)
}

function checksum(random: string): string {
  let rest = crc32(random)
  let text = ''
  while (text.length < checksumLength) {
    text += alphabet[rest % alphabet.length]
    rest = Math.floor(rest / alphabet.length)
  }
  return text
}
