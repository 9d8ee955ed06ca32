import { expect, test } from 'vitest'
import { untilBlocked } from '../support/blocked.ts'
import { type Bundle, openBeside, openBundle } from '../support/bundle.ts'
import type { Client, Reply } from '../support/client.ts'
import { newClient, newClients } from '../support/limited-clients.ts'

/* Requests and processes on both sides of a minute's edge. */

const query = '{ viewer { rateLimit { limit remaining resetAt } } }'

/** Asks in one minute; the next begins while the request is counted. */
async function askOver(
  { database: { pool } }: Bundle,
  client: Client,
  beginMinute: () => void,
): Promise<Reply> {
  const holder = await pool.connect()
  await holder.query('begin; lock table api_request_count in access exclusive mode')
  const asked = client.send(query)
  await untilBlocked(pool, 'countRequests')
  beginMinute()
  await holder.query('rollback')
  holder.release()
  return asked
}

test('a request that was counted passes, though the next minute begins', async () => {
  let now = new Date('2026-03-19T10:00:59.999Z')
  await using bundle = await openBundle({ clock: { now: () => now } })
  const client = await newClient(bundle, 100)
  const begin = () => (now = new Date('2026-03-19T10:01:00.000Z'))

  const reply = await askOver(bundle, client, begin)

  expect(reply).toMatchObject({
    status: 200,
    data: { viewer: { rateLimit: { remaining: 100 } } },
  })
})

test('a request refused as the next minute begins is counted in that', async () => {
  let now = new Date('2026-03-19T10:00:59.999Z')
  const clock = { now: () => now }
  await using here = await openBundle({ clock })
  await using there = await openBeside(here, { clock })
  const [near, far] = await newClients(here, there, 1)
  await near.ask(query)
  const begin = () => (now = new Date('2026-03-19T10:01:00.000Z'))

  const reply = await askOver(here, far, begin)

  expect(reply).toMatchObject({
    status: 200,
    data: { viewer: { rateLimit: { remaining: 0, resetAt: '2026-03-19T10:02:00.000Z' } } },
  })
  expect((await far.send(query)).status).toBe(429)
})

test('a process whose clock is behind counts into the minute begun', async () => {
  await using here = await openBundle({ clock: { now: () => new Date('2026-03-19T10:01:00Z') } })
  const clock = { now: () => new Date('2026-03-19T10:00:59.900Z') }
  await using there = await openBeside(here, { clock })
  const [near, far] = await newClients(here, there, 2)
  await near.ask(query)

  const { viewer } = await far.ask(query)

  expect(viewer.rateLimit).toEqual({
    ...{ limit: 2, remaining: 0 },
    resetAt: '2026-03-19T10:02:00.000Z',
  })
  const refused = [await far.send(query), await near.send(query)]
  expect(refused.map(({ status }) => status)).toEqual([429, 429])
})
