import { describe, expect, test } from 'vitest'
import { payloadBytesMax } from '../../src/limits.ts'
import { compilePayloadSchema } from '../../src/rules/payload-schema.ts'

function checkOf(schema: unknown): (payload: unknown) => string | undefined {
  const compiled = compilePayloadSchema(schema)
  if (!compiled.ok) throw new Error(compiled.message)
  return compiled.check
}

const unique = checkOf({ uniqueItems: true })
const unlikeEachOther = Array.from({ length: 9_000 }, (_, n) => ({ id: n, name: 'a name' }))

/** The longest, of `text` over and over, with an end that does not match. */
const longest = (text: string, start = '') => {
  return `${start}${text.repeat(payloadBytesMax / text.length)}!\n`
}

const countedPatterns = Array.from({ length: 1_000 }, (_, n) => {
  return { not: { pattern: `a.{${n % 500}}!!` } }
})

describe('a hostile payload is refused in no time', () => {
  const manyNumbers = Array.from({ length: 20_000 }, (_, n) => n)
  const nestedOnce = Array.from({ length: 500 }).reduce<unknown>((inner) => [inner, 0], manyNumbers)
  test.each([
    ['nested quantifiers', { pattern: '^(a+)+$' }, longest('a')],
    ['ambiguous alternatives', { pattern: '^(a|a)*$' }, longest('a')],
    ['white space', { pattern: '\\s+$' }, `${longest(' ')}x`],
    ['a counted repetition', { pattern: 'a.{590}$' }, longest('aababbab')],
    ['many patterns', { allOf: countedPatterns }, longest('aababbab')],
    ['a key', { patternProperties: { '^(a+)+$': false }, maxProperties: 0 }, { [longest('a')]: 1 }],
    ['an address', { format: 'url' }, longest(':', 'http://')],
    ['objects', { uniqueItems: true }, [...unlikeEachOther, { name: 'a name', id: 8_999 }]],
    [
      'lists in lists',
      {
        $defs: { list: { uniqueItems: true, items: { $ref: '#/$defs/list' } } },
        $ref: '#/$defs/list',
      },
      [nestedOnce, nestedOnce],
    ],
  ])('with %s', (_, schema, payload) => {
    const check = checkOf(schema)
    const before = process.cpuUsage()
    expect(check(payload)).toBeTypeOf('string')
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000)
  })
})

/** Definitions that refer to the next one twice: as many times two ways to the last. */
function doubled(length: number, twice: (next: object) => readonly object[]) {
  const defs = Array.from({ length }, (_, n) => {
    return [`d${n}`, { allOf: twice({ $ref: `#/$defs/d${n + 1}` }) }] as const
  })
  return { $defs: { ...Object.fromEntries(defs), [`d${length}`]: true }, $ref: '#/$defs/d0' }
}

test.each([
  ['refers to itself', { $ref: '#' }],
  ['refers to itself for lists', { anyOf: [{ not: { type: 'array' } }, { $ref: '#' }] }],
  ['refers to itself by an anchor', { $dynamicAnchor: 'a', $dynamicRef: '#a' }],
  ['doubles forty times', doubled(40, (next) => [next, next])],
])('a schema that %s is refused', (_, schema) => {
  expect(compilePayloadSchema(schema)).toMatchObject({
    ok: false,
    message: expect.stringMatching(/^not usable: even the payload .+ takes over 500000 references/),
  })
})

test('a payload that takes too many references is told why', () => {
  const inside = (next: object) => ({ properties: { a: next } })
  const check = checkOf(doubled(60, (next) => [inside(next), inside(next)]))
  const payload = Array.from({ length: 60 }).reduce<unknown>((a) => ({ a }), 1)

  expect(check(payload)).toContain('takes over 500000 references ("$ref") of its schema')
})

test('a payload of many small values follows its references', () => {
  const $defs = { count: { type: 'integer' }, line: { prefixItems: [{ $ref: '#/$defs/count' }] } }
  const check = checkOf({ $defs, items: { $ref: '#/$defs/line' } })
  const lines = Array.from({ length: 60_000 }, () => [1])

  expect([check(lines), check([...lines, ['1']])]).toEqual([
    undefined,
    'at /60000/0 must be integer',
  ])
})

test('a definition that many refer to is compiled once', () => {
  const long = { allOf: Array.from({ length: 1_000 }, (_, n) => ({ minLength: n })) }
  const allOf = Array.from({ length: 1_000 }, () => ({ $ref: '#/$defs/long' }))
  const check = checkOf({ $defs: { long }, allOf })

  expect(check('x')).toBe('must NOT have fewer than 2 characters')
})

test('the longest list of ids takes its pattern, again and again', () => {
  const id = '01890a5d-ac96-774b-bcce-b302099a8057'
  const pattern = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
  const ids = Array.from({ length: payloadBytesMax / (id.length + 3) }, () => id)
  const check = checkOf({ items: { pattern } })

  expect([check(ids), check(ids), check(ids)]).toEqual([undefined, undefined, undefined])
})

test('a payload that costs too much is told why', () => {
  const problem = checkOf({ pattern: 'a.{590}$' })('a'.repeat(100_000))

  expect(problem).toBe(
    "takes over 10000000 steps of its schema's patterns: their sizes times the lengths of the " +
      'texts. Use maxLength for lengths.',
  )
})

test.each([
  ['a(?=b)', 'neither lookaround nor backreferences'],
  ['(?<!a)b', 'neither lookaround nor backreferences'],
  ['(a)\\1', 'neither lookaround nor backreferences'],
  ['^.{0,300}$', 'is too large: 604 steps, limit 600. Use maxLength for lengths.'],
])('the pattern %s is refused with its reason', (pattern, reason) => {
  const compiled = compilePayloadSchema({ properties: { name: { pattern } } })
  expect(compiled).toMatchObject({ ok: false, message: expect.stringContaining(`"${pattern}"`) })
  expect(compiled).toMatchObject({ message: expect.stringContaining(reason) })
})

test.each([
  ['^[\\w.+-]+@[\\w-]+\\.[\\w.]+$', 'ada@example.com', 'ada'],
  ['^\\u00e9\\/\\p{Lu}$', 'é/Ä', 'é/ä'],
  ['^(?<year>\\d{4})-\\d\\d$', '2026-11', '26-11'],
  ['^.{1,255}$', '😀', ''],
  ['b', 'abc', 'a'],
])('the pattern %s means what it does elsewhere', (pattern, match, other) => {
  const check = checkOf({ pattern })
  expect(check(match)).toBeUndefined()
  expect(check(other)).toBe(`must match pattern "${pattern}"`)
})

test.each([
  ['[1, 1.0]'],
  ['[0, -0]'],
  ['[{"a":1,"b":[2]}, {"b":[2.0],"a":1e0}]'],
  ['["a", 1, "a"]'],
  ['[null, 2, null]'],
  ['[[], []]'],
])('%s has equal items', (text) => {
  expect(unique(JSON.parse(text))).toBe('must NOT have duplicate items')
})

test.each([
  ['[1, "1", true, "true", null, "null", 1e400]'],
  ['[[1, 2], [2, 1], [[1], 2], [12]]'],
  ['[{"a":1,"b":2}, {"a":2,"b":1}, {"a:1,b":2}, {}]'],
  ['[[], {}, "", 0, false, "[]", "{}"]'],
  ['[]'],
])('%s has none', (text) => {
  expect(unique(JSON.parse(text))).toBeUndefined()
})

test('lists may repeat themselves where nothing is asked', () => {
  expect(checkOf({ uniqueItems: false })([1, 1])).toBeUndefined()
  expect(checkOf({})([1, 1])).toBeUndefined()
})

test('the format url takes addresses of the web alone', () => {
  const check = checkOf({ format: 'url' })
  expect(check('https://example.com/a?b')).toBeUndefined()
  expect(check('mailto:ada@example.com')).toBe('must match format "url"')
  expect(check('https://')).toBe('must match format "url"')
})
