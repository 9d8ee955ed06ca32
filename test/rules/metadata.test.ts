import { expect, test } from 'vitest'
import { checkMetadata } from '../../src/rules/metadata.ts'

const nested = (depth: number): unknown =>
  JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)

test.each([
  ['a list', [], 'must be a JSON object.'],
  ['a text', 'a', 'must be a JSON object.'],
  ['null', null, 'must be a JSON object.'],
  ['a NUL in a string', { a: ['\0'] }, 'contains a NUL character.'],
  ['a NUL in a key', { a: { 'b\0': 1 } }, 'contains a NUL character.'],
  ['a lone surrogate in a string', { a: 'x\udfff' }, 'not valid Unicode (position 1).'],
  ['a lone surrogate in a key', { '\ud800': 1 }, 'not valid Unicode (position 0).'],
  ['an infinite number', JSON.parse('{"a":1e200000}'), 'holds a number that is too large.'],
  ['65 levels', nested(65), 'nested more than 64 levels deep.'],
  ['100,000 levels', nested(100_000), 'nested more than 64 levels deep.'],
  ['16,385 bytes', { a: 'x'.repeat(16_377) }, '16385 bytes, limit 16384.'],
  ['16,385 bytes of UTF-8', { a: `é${'x'.repeat(16_375)}` }, '16385 bytes, limit 16384.'],
] as [string, unknown, string][])('metadata with %s is refused', (_, value, problem) => {
  expect(checkMetadata(value)).toBe(problem)
})

test.each([
  ['nothing', {}],
  ['every kind of value', { a: [1, -2.5, 'é\n', true, null, { b: {} }] }],
  ['64 levels', nested(64)],
  ['16,384 bytes', { a: 'x'.repeat(16_376) }],
  ['the key __proto__', JSON.parse('{"__proto__":{"x":1}}')],
] as [string, unknown][])('metadata with %s is accepted', (_, value) => {
  expect(checkMetadata(value)).toBeUndefined()
})
