import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { uuidOf } from '../src/rules/id.ts'
import { startProblems } from '../src/start-checks.ts'
import { freshDatabase } from './support/database.ts'
import { startPlatform } from './support/platform.ts'

test('a program without the keys of stored secrets does not start', async () => {
  const key = { id: 'first', key: randomBytes(32) }
  await using platform = await startPlatform({ delivers: false, config: { encryptionKeys: [key] } })
  const { databaseUrl } = platform.bundle
  const other = { id: 'other', key: randomBytes(32) }
  // The servers of tests are not durable, which is refused as well.
  const missing = async (...keys: (typeof key)[]) => {
    const problems = await startProblems(databaseUrl, keys)
    return problems.filter((problem) => problem.includes('lacks the key'))
  }
  expect(await missing(other)).toEqual([])
  await platform.addEndpoint('http://127.0.0.1:9009/')
  expect(await missing(other)).toEqual([expect.stringContaining('lacks the key "first"')])
  expect(await missing(other, key)).toEqual([])
})

test('a program with another key of the same id does not start', async () => {
  const key = { id: 'first', key: randomBytes(32) }
  await using platform = await startPlatform({ delivers: false, config: { encryptionKeys: [key] } })
  const { databaseUrl, database } = platform.bundle
  const wrong = { id: 'first', key: randomBytes(32) }
  const refused = async (...keys: (typeof key)[]) => {
    const problems = await startProblems(databaseUrl, keys)
    return problems.filter((problem) => problem.includes('POSTRIDER_ENCRYPTION_KEYS'))
  }
  expect(await refused(wrong)).toEqual([])
  await platform.addEndpoint('http://127.0.0.1:9009/', { headers: [{ name: 'x-a', value: 'b' }] })
  const problem = expect.stringContaining('The key "first" of POSTRIDER_ENCRYPTION_KEYS is not')
  expect(await refused({ id: 'second', key: randomBytes(32) }, wrong)).toEqual([problem])
  expect(await refused(key)).toEqual([])

  await database.pool.query('delete from endpoint_secret')
  expect(await refused(wrong)).toEqual([problem])
  expect(await refused(key)).toEqual([])
})

test('one damaged secret does not keep a program from starting', async () => {
  const key = { id: 'first', key: randomBytes(32) }
  await using platform = await startPlatform({ delivers: false, config: { encryptionKeys: [key] } })
  const { databaseUrl, database } = platform.bundle
  const damaged = await platform.addEndpoint('http://127.0.0.1:9009/a')
  await platform.addEndpoint('http://127.0.0.1:9009/b')
  const { rowCount } = await database.pool.query(
    `update endpoint_secret set secret_sealed = overlay(secret_sealed placing '\\xdeadbeef' from 20)
     where endpoint_id = $1`,
    [uuidOf('wh', damaged.id)],
  )
  expect(rowCount).toBe(1)
  const problems = await startProblems(databaseUrl, [key])
  expect(problems.filter((problem) => problem.includes('ENCRYPTION_KEYS'))).toEqual([])
})

test('a database that may lose commits is refused', async () => {
  await using fresh = await freshDatabase()
  const url = new URL(fresh.url)
  url.searchParams.set('options', '-c synchronous_commit=off')
  expect(await startProblems(url.href, [])).toContain(
    'The database has synchronous_commit = off: a crash could lose accepted events.',
  )
})
