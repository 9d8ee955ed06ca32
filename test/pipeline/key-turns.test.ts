import { expect, test } from 'vitest'
import { KeyTurns } from '../../src/pipeline/key-turns.ts'

/** Begins work that notes when it runs, and ends when it is told to. */
function newWork() {
  const turns = new KeyTurns()
  const begun: string[] = []
  const begin = (name: string, ...keys: string[]) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const ended = turns.run(keys, () => {
      begun.push(name)
      return promise
    })
    return { ended, end: () => resolve(name), fail: () => reject(new Error(name)) }
  }
  return { begun, begin }
}

const settled = () => new Promise((next) => setImmediate(next))

test('requests with a key in common follow one another', async () => {
  const { begun, begin } = newWork()
  const first = begin('first', 'a', 'b')
  const second = begin('second', 'b', 'c')
  const third = begin('third', 'c', 'c', 'a')
  const other = begin('other', 'd')
  await settled()
  expect(begun).toEqual(['first', 'other'])
  first.end()
  await settled()
  expect(begun).toEqual(['first', 'other', 'second'])
  second.end()
  third.end()
  other.end()
  expect(await Promise.all([second.ended, third.ended])).toEqual(['second', 'third'])
})

test('one that fails holds nobody up', async () => {
  const { begin } = newWork()
  const first = begin('first', 'a')
  const second = begin('second', 'a')
  first.fail()
  second.end()
  await expect(first.ended).rejects.toThrow('first')
  expect(await second.ended).toBe('second')
})
