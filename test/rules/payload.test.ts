import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { payloadBytesMax, payloadDepthMax } from '../../src/limits.ts'
import { checkPayloadText, serialisePayload } from '../../src/rules/payload.ts'

const nested = (depth: number) => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`

describe('a payload text is accepted', () => {
  test.each([
    '12345678901234567890',
    '1.10',
    '-0',
    '1e400',
    '{"a":1,"a":2}',
    '{"b":1,"a":2}',
    'null',
    ' { "a" : 1 } ',
    '\r\n\t[ ]\n',
    String.raw`"\u00e9"`,
    '"é"',
    String.raw`"\/"`,
    String.raw`"\u0000"`,
    String.raw`"\ud800"`,
    String.raw`"\ud83d\ude00"`,
    '"😀"',
    '"\u007f"',
    '{"__proto__":{"x":1}}',
    '"\u2028\ufeff"',
    '""',
  ])('as it is: %j', (text) => {
    expect(checkPayloadText(text)).toBeUndefined()
  })

  test('with a number of 200,000 digits', () => {
    expect(checkPayloadText('9'.repeat(200_000))).toBeUndefined()
  })

  test('up to the limit of bytes and of depth', () => {
    expect(checkPayloadText(`"${'x'.repeat(payloadBytesMax - 2)}"`)).toBeUndefined()
    expect(checkPayloadText(nested(payloadDepthMax))).toBeUndefined()
  })
})

describe('a payload text is refused', () => {
  test.each([
    ['hello', 0],
    ['{a:1}', 1],
    ['{"a":1,}', 7],
    ['NaN', 0],
    ['', 0],
    ['  ', 2],
    ['{} {}', 3],
    ['\0{}', 0],
    ['"a\nb"', 2],
    ["'a'", 0],
    ['// c\n1', 0],
    ['[1,]', 3],
    ['01', 1],
    ['.5', 0],
    ['+1', 0],
    ['\u00a01', 0],
  ])('as no JSON: %j', (text, position) => {
    expect(checkPayloadText(text)).toBe(`not valid JSON (position ${position}).`)
  })

  test('for a byte order mark', () => {
    expect(checkPayloadText('\ufeff{}')).toBe('not valid JSON (position 0: a byte order mark).')
  })

  test('over the limit, counted in bytes of UTF-8', () => {
    const text = `"é${'x'.repeat(payloadBytesMax - 3)}"`
    expect(text).toHaveLength(payloadBytesMax)
    expect(checkPayloadText(text)).toBe('262145 bytes, limit 262144.')
  })

  test.each(['{"ab":"\ud800"}', '{"ab":"\udc00\ud800"}', '{"ab":"\ud800\ud83d\ude00"}'])(
    'with a lone surrogate: %j',
    (text) => expect(checkPayloadText(text)).toBe('not valid Unicode (position 7).'),
  )

  test.each([payloadDepthMax + 2, 20_000])('nested %d levels deep', (depth) => {
    expect(checkPayloadText(nested(depth))).toBe(`nested ${depth} levels deep, limit 512.`)
  })
})

describe('a payload value', () => {
  test('is serialised to the text of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain: unknown = JSON.parse(JSON.stringify(value))
        expect(serialisePayload(plain)).toEqual({ ok: true, text: JSON.stringify(plain) })
      }),
    )
  })

  test.each([
    ['too deep', JSON.parse(nested(payloadDepthMax + 2)), 'nested more than 512 levels deep.'],
    ['extremely deep', JSON.parse(nested(100_000)), 'nested more than 512 levels deep.'],
    ['too long', 'x'.repeat(payloadBytesMax), '262146 bytes, limit 262144.'],
    ['infinite', { a: [Infinity] }, 'holds a number that is too large.'],
    ['minus zero', [-0], 'holds -0, which would be written as 0.'],
    ['missing', undefined, 'must be a JSON value.'],
    ['a bigint', { a: 1n }, 'must be a JSON value.'],
  ] as [string, unknown, string][])('is refused when %s', (_, value, message) => {
    expect(serialisePayload(value)).toEqual({ ok: false, message })
  })

  test('keeps a lone surrogate as its escape', () => {
    expect(serialisePayload('\ud800')).toEqual({ ok: true, text: String.raw`"\ud800"` })
  })
})
