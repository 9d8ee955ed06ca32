import { expect, test } from 'vitest'
import { statementMsMax } from '../../src/limits.ts'
import { type Bundle, openBeside, openBundle } from '../support/bundle.ts'
import type { Reply } from '../support/client.ts'
import { newClient, newClients } from '../support/limited-clients.ts'
import { openReadySocket } from '../support/socket.ts'
import { openStream } from '../support/stream.ts'

const query = '{ viewer { rateLimit { limit remaining resetAt } } }'
const quarterPast = { now: () => new Date('2026-03-19T10:00:15.000Z') }

/** What the database has counted, of all keys. */
async function counted({ database }: Bundle): Promise<number> {
  const { rows } = await database.pool.query<{ used: string }>(
    'select coalesce(sum(used), 0) as used from api_request_count',
  )
  return Number(rows[0]?.used)
}

const statuses = (replies: readonly Reply[]) => replies.map(({ status }) => status)

test('a key may make its requests in a minute and no more', async () => {
  let now = new Date('2026-03-19T10:00:15.000Z')
  await using bundle = await openBundle({
    clock: { now: () => now },
    config: { apiRateLimit: 2 },
  })
  const { client } = await bundle.newTenant()

  const first = await client.ask(query)
  const second = await client.ask(query)
  const third = await client.send(query)

  const resetAt = '2026-03-19T10:01:00.000Z'
  expect(first.viewer.rateLimit).toEqual({ limit: 2, remaining: 1, resetAt })
  expect(second.viewer.rateLimit).toEqual({ limit: 2, remaining: 0, resetAt })
  expect(third.status).toBe(429)
  expect(third.headers.get('retry-after')).toBe('45')
  expect(third.errors).toMatchObject([
    {
      message: 'Rate limit of 2 requests a minute for this key. Try again in 45 s.',
      extensions: { code: 'RATE_LIMITED', limit: 2, retryable: true },
    },
  ])
  now = new Date('2026-03-19T10:01:00.000Z')
  expect((await client.send(query)).status).toBe(200)
})

test('every answer says where the key stands', async () => {
  await using bundle = await openBundle({ clock: quarterPast })
  const client = await newClient(bundle, 2)

  const served = await client.send(query)
  const wrong = await client.send('{ nothing }')
  const refused = await client.send(query)

  const policy = '"minute";q=2;w=60'
  const limits = [served, wrong, refused].map(({ status, headers }) => {
    return [status, headers.get('ratelimit-policy'), headers.get('ratelimit')]
  })
  expect(limits).toEqual([
    [200, policy, '"minute";r=1;t=45'],
    [400, policy, '"minute";r=0;t=45'],
    [429, policy, '"minute";r=0;t=45'],
  ])
})

test('one key does not use up the minute of another', async () => {
  await using bundle = await openBundle({ clock: quarterPast, config: { apiRateLimit: 1 } })
  const one = await bundle.newTenant()
  const other = await bundle.newTenant()
  await one.client.ask(query)

  const refused = await one.client.send(query)
  const served = await other.client.send(query)

  expect(refused.status).toBe(429)
  expect(served.status).toBe(200)
})

test('all processes count a key together', async () => {
  await using here = await openBundle({ clock: quarterPast })
  await using there = await openBeside(here, { clock: quarterPast })
  const [near, far] = await newClients(here, there, 3)

  const remaining = []
  for (const client of [near, far, near]) {
    remaining.push((await client.ask(query)).viewer.rateLimit.remaining)
  }

  expect(remaining).toEqual([2, 1, 0])
  expect(statuses([await far.send(query), await near.send(query)])).toEqual([429, 429])
})

test('of many at once exactly the limit passes two processes', async () => {
  await using here = await openBundle({ clock: quarterPast })
  await using there = await openBeside(here, { clock: quarterPast })
  const clients = await newClients(here, there, 10)

  const asked = clients.flatMap((client) => {
    return Array.from({ length: 10 }, () => client.send('{ __typename }'))
  })
  const passed = (await Promise.all(asked)).filter(({ status }) => status === 200)

  expect(passed).toHaveLength(10)
})

test('the last of a high limit is given out once', async () => {
  await using here = await openBundle({ clock: quarterPast })
  await using there = await openBeside(here, { clock: quarterPast })
  const [near, far] = await newClients(here, there, 200)
  await near.ask(query)
  await here.database.pool.query('update api_request_count set used = 199')

  const replies = [await far.send(query), await far.send(query)]

  expect(statuses(replies)).toEqual([200, 429])
  expect(replies[0]?.data.viewer.rateLimit.remaining).toBe(0)
})

test('a high limit costs the database a hundredth of its requests', async () => {
  await using bundle = await openBundle({ clock: quarterPast })
  const client = await newClient(bundle, 1000)

  const { viewer } = await client.ask(query)
  const first = await counted(bundle)
  for (let request = 1; request < 10; request++) await client.ask(query)

  expect(viewer.rateLimit.remaining).toBe(999)
  expect([first, await counted(bundle)]).toEqual([10, 10])
  await client.ask(query)
  expect(await counted(bundle)).toBe(20)
})

test('refusing costs the database nothing', async () => {
  await using bundle = await openBundle({ clock: quarterPast })
  const client = await newClient(bundle, 1)
  await client.ask(query)

  const refused = [await client.send(query), await client.send(query)]

  expect(statuses(refused)).toEqual([429, 429])
  expect(await counted(bundle)).toBe(1)
})

test('an operator has no limit, and nothing is counted', async () => {
  await using bundle = await openBundle({ config: { apiRateLimit: 1 } })

  for (let request = 0; request < 3; request++) await bundle.operator.ask(query)

  const reply = await bundle.operator.send(query)
  expect(reply.data.viewer.rateLimit).toMatchObject({ limit: 0, remaining: 0 })
  expect(reply.headers.get('ratelimit')).toBe(null)
  expect(await counted(bundle)).toBe(0)
})

test('a key without a limit of its own is never refused', async () => {
  await using bundle = await openBundle({ config: { apiRateLimit: 1 } })
  const client = await newClient(bundle, 0)

  for (let request = 0; request < 3; request++) await client.ask(query)

  const { viewer } = await client.ask(query)
  expect(viewer.rateLimit).toMatchObject({ limit: 0, remaining: 0 })
})

test('a subscription counts as a request, and its socket stays', async () => {
  await using bundle = await openBundle({ clock: quarterPast, config: { apiRateLimit: 1 } })
  const { key } = await bundle.newTenant()
  await using socket = await openReadySocket(bundle.url, key)
  const payload = { query: 'subscription { deliveryChanges { __typename } }' }

  socket.send({ type: 'subscribe', id: 'a', payload })
  const served = await socket.next()
  socket.send({ type: 'subscribe', id: 'b', payload })
  const refused = await socket.next()
  socket.send({ type: 'ping' })

  expect(served).toMatchObject({ type: 'next', id: 'a' })
  expect(refused).toMatchObject({
    ...{ type: 'error', id: 'b' },
    payload: [
      {
        message: 'Rate limit of 1 requests a minute for this key. Try again in 45 s.',
        extensions: { code: 'RATE_LIMITED', limit: 1, retryable: true },
      },
    ],
  })
  expect(await socket.next()).toEqual({ type: 'pong' })
})

test('a stream counts as a request', async () => {
  await using bundle = await openBundle({ clock: quarterPast, config: { apiRateLimit: 1 } })
  const { key } = await bundle.newTenant()
  const wish = { key, query: 'subscription { deliveryChanges { __typename } }' }

  await using served = await openStream(bundle.url, wish)
  await using refused = await openStream(bundle.url, wish)

  expect(served.response.headers.get('ratelimit')).toBe('"minute";r=0;t=45')
  expect(refused.response.status).toBe(429)
  expect(refused.response.headers.get('retry-after')).toBe('45')
})

test('without the database a process counts alone', async () => {
  await using bundle = await openBundle({ clock: quarterPast })
  const client = await newClient(bundle, 3)
  await client.ask(query)
  await bundle.database.pool.query('alter table api_request_count rename to misplaced')

  const replies = []
  for (let request = 0; request < 3; request++) replies.push(await client.send(query))

  expect(statuses(replies)).toEqual([200, 200, 429])
})

test('a database that does not answer blocks nobody for long', async () => {
  await using bundle = await openBundle({ clock: quarterPast })
  const client = await newClient(bundle, 2)
  const { pool } = bundle.database
  const holder = await pool.connect()
  await holder.query('begin; lock table api_request_count in access exclusive mode')

  const askedAt = performance.now()
  const held = [await client.send(query), await client.send(query), await client.send(query)]
  const heldMs = performance.now() - askedAt
  await holder.query('rollback')
  holder.release()

  expect(statuses(held)).toEqual([200, 200, 429])
  expect(heldMs).toBeLessThan(statementMsMax)
})
