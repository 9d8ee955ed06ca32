import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { scanJson } from '../../src/rules/json-text.ts'

/** The verdict of `JSON.parse`, with the position of the fault where its message tells one. */
function judge(text: string) {
  try {
    JSON.parse(text)
    return { valid: true }
  } catch (error) {
    const { message } = error as SyntaxError
    if (message.includes('end of JSON input')) return { valid: false, position: text.length }
    const position = /at position (\d+)/.exec(message)?.[1]
    return position === undefined ? { valid: false } : { valid: false, position: Number(position) }
  }
}

const pieces = ['{', '}', '[', ']', ',', ':', '"', '\\', 'u', '0', '1', '-', '+', '.', 'e', 'E']
const words = ['true', 'false', 'null', 'nul', '"a"', '\\u00e', '\\n', ' ', '\n', '\t', '\0', 'é']
const anySoup = fc.array(fc.constantFrom(...pieces, ...words)).map((parts) => parts.join(''))

/** Valid JSON with one piece put in the place of up to two characters: mostly nearly valid. */
const anyNearJson = fc
  .tuple(fc.json(), fc.nat(), fc.nat(2), fc.constantFrom('', ...pieces, ...words))
  .map(([text, place, cut, piece]) => {
    const at = place % (text.length + 1)
    return text.slice(0, at) + piece + text.slice(at + cut)
  })

test('accepts what JSON.parse accepts and finds its fault', () => {
  fc.assert(
    fc.property(fc.oneof(anySoup, anyNearJson, fc.json(), fc.string()), (text) => {
      expect(scanJson(text)).toMatchObject(judge(text))
    }),
    { numRuns: 3000 },
  )
})

test.each([
  ['1', 0],
  ['"[[["', 0],
  ['[]', 1],
  ['{"a":[{}],"b":[]}', 3],
  ['[[],[],[[]]]', 3],
])('counts how deep %s nests', (text, depth) => {
  expect(scanJson(text)).toEqual({ valid: true, depth })
})

test.each([
  ['[', ']'],
  ['{"a":', '}'],
])('reads half a million of %s', (open, close) => {
  const text = `${open.repeat(500_000)}1${close.repeat(500_000)}`
  expect(scanJson(text)).toEqual({ valid: true, depth: 500_000 })
  expect(scanJson(text.slice(0, -1))).toEqual({ valid: false, position: text.length - 1 })
})
