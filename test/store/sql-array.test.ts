import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/db.ts'
import { plainArray, textArray, timeArray } from '../../src/store/sql-array.ts'
import { freshDatabase } from '../support/database.ts'

test('arrays are read as they were given', async () => {
  await using fresh = await freshDatabase()
  await using database = await openDatabase(fresh.url)
  const texts = ['', 'a', '"', '\\', 'a"b\\c', '{', '}', ',', 'NULL', null, ' ', 'é\n\t\u2028', "'"]
  const times = [new Date(0), null, new Date('2026-02-28T23:59:59.999Z')]
  const ids = [randomUUID(), null, randomUUID()]
  const { rows } = await database.pool.query(
    `select $1::text[] as texts, $2::timestamptz[] as times, $3::uuid[] as ids,
       $4::int[] as numbers, $5::bool[] as flags, $6::text[] as none`,
    [
      textArray(texts),
      timeArray(times),
      plainArray(ids),
      plainArray([1, -2, null]),
      plainArray([true, false, null]),
      textArray([]),
    ],
  )
  const numbers = [1, -2, null]
  expect(rows).toEqual([{ texts, times, ids, numbers, flags: [true, false, null], none: [] }])
})
