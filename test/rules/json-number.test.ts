import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { losesDigits, lossyNumbers } from '../../src/rules/json-number.ts'

describe('a number loses digits', () => {
  test.each([
    '12345678901234567890',
    '9007199254740993',
    '1.10',
    '1.0',
    '0.0',
    '-0',
    '-0.0',
    '-0e1',
    '1e400',
    '-1e400',
    '1e-400',
    '0.1000000000000000055511151231257827',
    '4.9e-324',
    '10e-1',
    '123456789.123456789123',
    '1e99999999999999999999',
    '1e-99999999999999999999',
    '9'.repeat(200_000),
  ])('as %s', (source) => {
    expect(losesDigits(source)).toBe(true)
  })

  test('when a zero is written behind its fraction', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(99), (whole, fraction) => {
        expect(losesDigits(`${whole}.${fraction}0`)).toBe(true)
      }),
    )
  })

  test('when an integer is no double', () => {
    fc.assert(
      fc.property(fc.bigInt(), (integer) => {
        expect(losesDigits(`${integer}`)).toBe(String(Number(integer)) !== `${integer}`)
      }),
    )
  })

  test('within time linear in its length', () => {
    const zeros = '0'.repeat(200_000)
    expect(losesDigits(`0.${zeros}1`)).toBe(true)
    expect(losesDigits(`1${zeros}1`)).toBe(true)
  })
})

describe('a number survives', () => {
  test.each([
    '0',
    '42',
    '-7.25',
    '1e3',
    '1E+2',
    '1.0e3',
    '1.5e3',
    '5e-324',
    '1e21',
    '1E-7',
    '0.5e0',
    '123456789012345',
    '9007199254740992',
    '100000000000000000000',
    '0e5',
    '0.0000001',
    '1.7976931348623157e308',
  ])('as %s', (source) => {
    expect(losesDigits(source)).toBe(false)
  })

  test('as every double is serialised', () => {
    fc.assert(
      fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (value) => {
        expect(losesDigits(JSON.stringify(value))).toBe(false)
      }),
    )
  })

  test('in exponent form with up to fifteen digits', () => {
    const anyDigits = fc.integer({ min: 1, max: 999_999_999_999_999 })
    fc.assert(
      fc.property(anyDigits, fc.integer({ min: -300, max: 290 }), (digits, exponent) => {
        const spelt = `${digits}`.replace(/0+$/, '')
        expect(losesDigits(`${spelt}E${exponent}`)).toBe(false)
      }),
    )
  })
})

describe('lossy numbers of a text', () => {
  test('are found with their paths', () => {
    const text = `{"input":{"payload":{"rate":1.10,"ok":[1,{"\\u0069d" : 12345678901234567890}]},
      "n":-0, "last":[[1e400]]}, "end":1.0}`
    expect([...lossyNumbers(text)]).toEqual([
      { path: ['input', 'payload', 'rate'], source: '1.10' },
      { path: ['input', 'payload', 'ok', '1', 'id'], source: '12345678901234567890' },
      { path: ['input', 'n'], source: '-0' },
      { path: ['input', 'last', '0', '0'], source: '1e400' },
      { path: ['end'], source: '1.0' },
    ])
  })

  test('are found at the root', () => {
    expect([...lossyNumbers(' 1.10 ')]).toEqual([{ path: [], source: '1.10' }])
  })

  test('are not digits inside strings and keys', () => {
    const text = '{"1.10":"1.0, 1.10","a\\"":"\\\\","b":[":1.0",",-0"],"\\u0031.0":1}'
    expect([...lossyNumbers(text)]).toEqual([])
  })

  test('are those a reviver sees', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const found = [...lossyNumbers(text)].map(({ source }) => source)
        expect(found.toSorted()).toEqual(lossyByReviver(text).toSorted())
      }),
    )
  })

  test.each(['[1.0', '[1.0,-', '{"a":1.0,"', '1.0]]}},,', '{"a', '\\', '"'])(
    'end with the text where it is not JSON: %s',
    (text) => expect([...lossyNumbers(text)].length).toBe(text.includes('1.0') ? 1 : 0),
  )
})

/** What is asked of the platform: the source text of each number, by the JSON.parse of Node 24. */
function lossyByReviver(text: string): string[] {
  const sources: string[] = []
  const note = (_key: string, value: unknown, context: { source?: string }) => {
    if (typeof value === 'number' && losesDigits(context.source ?? '')) {
      sources.push(context.source ?? '')
    }
    return value
  }
  JSON.parse(text, note as (this: unknown, key: string, value: unknown) => unknown)
  return sources
}
