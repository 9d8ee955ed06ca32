import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
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

test('a database that may lose commits is refused', async () => {
  await using fresh = await freshDatabase()
  const url = new URL(fresh.url)
  url.searchParams.set('options', '-c synchronous_commit=off')
  expect(await startProblems(url.href, [])).toContain(
    'The database has synchronous_commit = off: a crash could lose accepted events.',
  )
})
