import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { newSealer, readSealKeys, type SealKey } from '../src/seal.ts'

const keyOf = (id: string): SealKey => ({ id, key: randomBytes(32) })
const base64 = (bytes: number) => Buffer.alloc(bytes, 7).toString('base64')

test('opens what it sealed in the same place', () => {
  const sealer = newSealer([keyOf('a')])

  const sealed = sealer.seal('geheim ✓', 'endpoint_secret:w:1')

  expect(sealer.open(sealed, 'endpoint_secret:w:1')).toEqual({ ok: true, text: 'geheim ✓' })
  expect(sealed.toString('latin1')).not.toContain('geheim')
})

test('the same text is sealed differently each time', () => {
  const sealer = newSealer([keyOf('a')])

  expect(sealer.seal('x', 'c').equals(sealer.seal('x', 'c'))).toBe(false)
})

test('a value that was moved to another row does not open', () => {
  const sealer = newSealer([keyOf('a')])

  const opened = sealer.open(sealer.seal('x', 'endpoint_secret:w:1'), 'endpoint_secret:w:2')

  expect(opened).toEqual({
    ok: false,
    reason: 'was changed, moved to another row, or sealed with another key',
  })
})

test('no changed byte goes unnoticed', () => {
  const sealer = newSealer([keyOf('a')])
  const sealed = sealer.seal('x', 'c')

  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(sealer.open(changed, 'c').ok, `byte ${at}`).toBe(false)
  }
})

test('no cut value opens or throws', () => {
  const sealer = newSealer([keyOf('a')])
  const sealed = sealer.seal('x', 'c')

  for (let length = 0; length < sealed.length; length++) {
    expect(sealer.open(sealed.subarray(0, length), 'c').ok).toBe(false)
  }
})

test('the first key seals and every key opens', () => {
  const [old, fresh] = [keyOf('old'), keyOf('new')]
  const before = newSealer([old])
  const after = newSealer([fresh, old])
  const without = newSealer([fresh])
  const sealed = before.seal('x', 'c')

  expect(after.open(sealed, 'c').ok).toBe(true)
  expect(before.open(after.seal('x', 'c'), 'c').ok).toBe(false)
  expect(without.open(sealed, 'c')).toEqual({
    ok: false,
    reason: 'was sealed with the unknown key "old"',
  })
})

test('a key of the same name but other bytes does not open', () => {
  const sealed = newSealer([keyOf('a')]).seal('x', 'c')

  expect(newSealer([keyOf('a')]).open(sealed, 'c').ok).toBe(false)
})

test('reads a ring of keys', () => {
  expect(readSealKeys(`a:${base64(32)}, b.2:${base64(32)}`)).toEqual([
    { id: 'a', key: Buffer.alloc(32, 7) },
    { id: 'b.2', key: Buffer.alloc(32, 7) },
  ])
})

test.each([
  ['', 'key 1 must be <id>:<base64>'],
  [base64(32), 'key 1 must be <id>:<base64>'],
  [`a:${base64(32)},`, 'key 2 must be <id>:<base64>'],
  ['a:???', 'key 1 is not base64 behind its id.'],
  [`a:${base64(31)}`, 'key 1 must be 32 bytes; got 31.'],
  [`a:${base64(32)},a:${base64(32)}`, 'two keys have the id "a".'],
])('says what is wrong with the ring "%s"', (text, problem) => {
  expect(readSealKeys(text)).toContain(problem)
})
