import { describe, expect, test } from 'vitest'
import { checkCustomHeaders, isSecretHeader } from '../../src/rules/custom-headers.ts'
import { headerNamesOf, wireFormatNames } from '../../src/rules/wire-formats.ts'

const named = (name: string) => checkCustomHeaders([{ name, value: 'x' }])
const valued = (value: string) => checkCustomHeaders([{ name: 'X-A', value }])

describe('names', () => {
  test.each([
    'Host',
    'content-length',
    'Content-Type',
    'Content-Encoding',
    'Transfer-Encoding',
    'Connection',
    'Keep-Alive',
    'TE',
    'Upgrade',
    'Expect',
    'User-Agent',
    'Proxy-Connection',
    'Metadata-Flavor',
    'Metadata',
    'X-aws-ec2-metadata-token',
    'X-Google-Metadata-Request',
    ...wireFormatNames.flatMap(headerNamesOf),
  ])('that are reserved are refused: %s', (name) => {
    const message = `"${name}": this header is reserved.`
    expect(named(name)).toEqual([{ index: 0, field: 'name', message }])
    expect(named(name.toUpperCase())).toHaveLength(1)
  })

  test.each(['x a', 'x:y', '', 'é', 'x\r\ny', 'x\0', ':path', 'x(y)', '"x"'])(
    'that are no token are refused: %j',
    (name) => {
      const message = `${JSON.stringify(name)}: not a valid header name.`
      expect(named(name)).toEqual([{ index: 0, field: 'name', message }])
    },
  )

  test('over the length limit are refused, shown cut', () => {
    expect(named('a'.repeat(300))[0]?.message).toBe(
      `"${'a'.repeat(40)}…": not a valid header name (300 characters, limit 256).`,
    )
    expect(named('a'.repeat(256))).toEqual([])
  })

  test('given twice are refused without regard to case', () => {
    const headers = ['X-A', 'x-b', 'x-a', 'X-B'].map((name) => ({ name, value: '1' }))
    expect(checkCustomHeaders(headers)).toEqual([
      { index: 2, field: 'name', message: '"X-A" is given twice (names are case-insensitive).' },
      { index: 3, field: 'name', message: '"x-b" is given twice (names are case-insensitive).' },
    ])
  })

  test.each(['Authorization', 'X-Api-Key', 'Cookie', 'Accept', 'X-Tenant', 'x_y', "!#$%&'*+.^`|~"])(
    'of other headers are accepted: %s',
    (name) => expect(named(name)).toEqual([]),
  )
})

describe('values', () => {
  test.each([
    ['a line feed', 'a\nb: c', 'U+000A cannot be sent in a header (position 1).'],
    ['a carriage return', 'a\r', 'U+000D cannot be sent in a header (position 1).'],
    ['a NUL', '\0', 'U+0000 cannot be sent in a header (position 0).'],
    ['a delete', 'ab\u007f', 'U+007F cannot be sent in a header (position 2).'],
    ['a letter beyond Latin-1', 'a€', 'U+20AC cannot be sent in a header (position 1).'],
    ['a line feed in disguise', 'a\u010a', 'U+010A cannot be sent in a header (position 1).'],
    ['a space in front', ' a', 'starts or ends with a space.'],
    ['a tab behind', 'a\t', 'starts or ends with a space.'],
    ['4097 bytes', 'x'.repeat(4097), '4097 bytes, limit 4096.'],
  ])('with %s are refused', (_, value, message) => {
    expect(valued(value)).toEqual([{ index: 0, field: 'value', message }])
  })

  test.each([
    ['nothing', ''],
    ['inner space', 'a b\tc'],
    ['Latin-1', 'é'],
    ['punctuation', 'Bearer abc.def=='],
    ['4096 bytes', 'x'.repeat(4096)],
  ])('with %s are accepted', (_, value) => {
    expect(valued(value)).toEqual([])
  })
})

describe('a list', () => {
  const list = (length: number, value = '') =>
    Array.from({ length }, (_, i) => ({ name: `X-${i}`, value }))

  test('holds at most 50 headers', () => {
    const message = '51 headers, limit 50.'
    expect(checkCustomHeaders(list(51))).toEqual([{ index: undefined, field: undefined, message }])
    expect(checkCustomHeaders(list(50))).toEqual([])
  })

  test('holds at most 8 KiB', () => {
    const message = '8193 bytes in all, limit 8192.'
    const headers = [...list(2, 'x'.repeat(4090)), { name: 'X-Rest', value: '9' }]
    expect(checkCustomHeaders(headers)).toEqual([{ index: undefined, field: undefined, message }])
    expect(checkCustomHeaders(headers.with(2, { name: 'X-Rest', value: '' }))).toEqual([])
  })

  test('tells every fault at once', () => {
    const headers = [
      { name: 'Host', value: '\n' },
      { name: 'x a', value: '' },
    ]
    expect(checkCustomHeaders(headers).map(({ index, field }) => [index, field])).toEqual([
      [0, 'name'],
      [0, 'value'],
      [1, 'name'],
    ])
  })
})

test.each([
  'Authorization',
  'cookie',
  'X-API-Key',
  'X-Auth',
  'X-Secret',
  'Access-Token',
  'X-Password',
  'X-Session',
  'X-Credentials',
  'Ocp-Apim-Subscription-Key',
])('the value of %s is secret', (name) => {
  expect(isSecretHeader(name)).toBe(true)
})

test.each(['X-Tenant', 'Accept', 'user-agent', ...wireFormatNames.flatMap(headerNamesOf)])(
  'the value of %s is shown',
  (name) => expect(isSecretHeader(name)).toBe(false),
)
