import { expect, test } from 'vitest'
import { Batcher } from '../../src/pipeline/batcher.ts'

/** A batcher of numbers whose flushes end when a test says so. */
function held(itemsMax: number) {
  const flushes: { items: readonly number[]; end: PromiseWithResolvers<readonly number[]> }[] = []
  const batcher = new Batcher<number, number>({
    flush: (items) => {
      const end = Promise.withResolvers<readonly number[]>()
      flushes.push({ items, end })
      return end.promise
    },
    itemsMax,
  })
  return { batcher, flushes, batches: () => flushes.map(({ items }) => items) }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('what arrives during a flush makes the next one', async () => {
  const { batcher, flushes, batches } = held(10)
  const first = batcher.add(1)
  await turn()
  const others = Promise.all([batcher.add(2), batcher.add(3)])
  await turn()
  expect(batches()).toEqual([[1]])
  flushes[0]?.end.resolve([10])
  expect(await first).toBe(10)
  await turn()
  expect(batches()).toEqual([[1], [2, 3]])
  flushes[1]?.end.resolve([20, 30])
  expect(await others).toEqual([20, 30])
})

test('a batch that is full leaves at once', () => {
  const { batcher, batches } = held(2)
  for (const item of [1, 2]) void batcher.add(item)
  expect(batches()).toEqual([[1, 2]])
})

test('one flush is under way at a time', async () => {
  const { batcher, flushes, batches } = held(1)
  const all = Promise.all([1, 2, 3, 4].map((item) => batcher.add(item)))
  for (let n = 0; n < 4; n++) {
    await turn()
    expect(batches()).toHaveLength(n + 1)
    flushes[n]?.end.resolve([n])
  }
  expect(await all).toEqual([0, 1, 2, 3])
})

test('a flush that fails fails its own items alone', async () => {
  const { batcher, flushes } = held(1)
  const first = batcher.add(1)
  const second = batcher.add(2)
  flushes[0]?.end.reject(new Error('It did not work.'))
  await expect(first).rejects.toThrow('It did not work.')
  await turn()
  flushes[1]?.end.resolve([2])
  expect(await second).toBe(2)
})
