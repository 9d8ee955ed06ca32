import { expect, test } from 'vitest'
import { migrate } from '../src/db.ts'
import { startProblem } from '../src/start-problem.ts'
import { serveRoutes } from './support/served.ts'
import { freshDatabase } from './support/database.ts'

const problemOf = (starting: Promise<unknown>) => {
  return starting.then(() => 'It started.', startProblem)
}

test('a port in use is a sentence that names PORT', async () => {
  await using first = await serveRoutes([])
  const port = Number(new URL(first.url).port)
  const inUse = `port ${port} of 127.0.0.1 is in use by another program`
  expect(await problemOf(serveRoutes([], port))).toBe(
    `Cannot listen: ${inUse}. Set PORT to a free one.`,
  )
})

test('a database that is away is a sentence', async () => {
  expect(await problemOf(migrate('postgres://a:b@127.0.0.1:1/c'))).toMatch(
    /^The database of DATABASE_URL cannot be reached: connect ECONNREFUSED [^ ]+:1\.$/,
  )
})

test('a name of several addresses is one sentence', () => {
  const errors = ['::1', '127.0.0.1'].map((ip) => {
    return Object.assign(new Error(`connect ECONNREFUSED ${ip}:1`), { code: 'ECONNREFUSED' })
  })
  expect(startProblem(new AggregateError(errors))).toBe(
    'The database of DATABASE_URL cannot be reached: connect ECONNREFUSED ::1:1.',
  )
})

test('a login that is refused is a sentence', async () => {
  await using database = await freshDatabase()
  const url = new URL(database.url)
  url.username = 'nobody'
  expect(await problemOf(migrate(url.href))).toMatch(
    /^The database refuses the login of DATABASE_URL: .*"nobody".*\.$/,
  )
})

test('a database that does not exist is a sentence', async () => {
  await using database = await freshDatabase()
  const url = new URL('/no_such', database.url)
  expect(await problemOf(migrate(url.href))).toBe(
    'DATABASE_URL names no database of that server: database "no_such" does not exist.',
  )
})

test('a lock that a migration waits for is a sentence', () => {
  const error = Object.assign(new Error('canceling statement due to lock timeout'), {
    code: '55P03',
  })
  expect(startProblem(error)).toBe(
    'A migration waited 10 s for a lock: end the transactions that hold it, and start again.',
  )
})

test('what says itself what is wrong is left as it is', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  expect(startProblem(new Error('A sentence of ours.', { cause }))).toBe('A sentence of ours.')
})
