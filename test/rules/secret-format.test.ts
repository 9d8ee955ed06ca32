import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkSecret, generateSecret } from '../../src/rules/secret-format.ts'
import { wireFormatNames } from '../../src/rules/wire-formats.ts'

const whsec = (bytes: number) => `whsec_${randomBytes(bytes).toString('base64')}`
const rule = 'must be "whsec_" + base64 of 24 to 64 bytes; got'

describe('STANDARD_WEBHOOKS', () => {
  test('accepts 24 to 64 bytes', () => {
    for (let bytes = 24; bytes <= 64; bytes++) {
      expect(checkSecret('STANDARD_WEBHOOKS', whsec(bytes))).toBeUndefined()
    }
  })

  test.each([
    ['nothing behind the prefix', 'whsec_', '0 bytes.'],
    ['3 bytes', 'whsec_AAAA', '3 bytes.'],
    ['23 bytes', whsec(23), '23 bytes.'],
    ['65 bytes', whsec(65), '65 bytes.'],
    ['no base64', 'whsec_!!!', 'other text behind the prefix.'],
    ['URL-safe base64', `whsec_${'-_'.repeat(16)}`, 'other text behind the prefix.'],
    ['unpadded base64', whsec(32).replace('=', ''), 'other text behind the prefix.'],
    ['base64 with a line break', `${whsec(24)}\n`, 'other text behind the prefix.'],
    ['no prefix', whsec(32).slice(6), 'another prefix.'],
    ['a public key', whsec(32).replace('whsec_', 'whpk_'), 'another prefix.'],
    ['a private key', whsec(64).replace('whsec_', 'whsk_'), 'another prefix.'],
    ['an empty text', '', 'another prefix.'],
  ])('refuses %s', (_, secret, got) => {
    expect(checkSecret('STANDARD_WEBHOOKS', secret)).toBe(`${rule} ${got}`)
  })
})

describe('the other formats', () => {
  test.each(['x'.repeat(16), 'x'.repeat(128), "It's a Secret to Everybody", '!~'.repeat(8)])(
    'accept %s',
    (secret) => expect(checkSecret('GITHUB', secret)).toBeUndefined(),
  )

  test.each([
    ['15 characters', 'x'.repeat(15), 'must be 16 to 128 characters; got 15.'],
    ['129 characters', 'x'.repeat(129), 'must be 16 to 128 characters; got 129.'],
    ['a letter with accent', `${'x'.repeat(16)}é`, 'must be visible ASCII; character 17 is not.'],
    ['a tab', `\t${'x'.repeat(16)}`, 'must be visible ASCII; character 1 is not.'],
    ['a line break', `${'x'.repeat(16)}\n`, 'must be visible ASCII; character 17 is not.'],
    ['a space behind', `${'x'.repeat(16)} `, 'must be visible ASCII; character 17 is not.'],
    ['spaces alone', ' '.repeat(16), 'must be visible ASCII; character 1 is not.'],
  ])('refuse %s', (_, secret, message) => {
    for (const format of wireFormatNames.filter((name) => name !== 'STANDARD_WEBHOOKS')) {
      expect(checkSecret(format, secret)).toBe(message)
    }
  })
})

test('a generated secret has 32 random bytes', () => {
  expect(generateSecret()).toMatch(/^whsec_[A-Za-z\d+/]{43}=$/)
  expect(generateSecret()).not.toBe(generateSecret())
})

test('a message never repeats the secret', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 3 }),
      fc.constantFrom(...wireFormatNames),
      (text, format) => {
        const secret = `§${text}`
        expect(checkSecret(format, secret)).not.toContain(secret)
      },
    ),
  )
})
