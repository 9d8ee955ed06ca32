import { expect, test } from 'vitest'
import { createLog } from '../../src/log.ts'
import { retain } from '../../src/maintenance/retention.ts'
import { type Platform, startPlatform } from '../support/platform.ts'
import { type MovableClock, movableClock } from '../support/time.ts'

const dayS = 86_400

test('a day past retention goes as a whole, and days ahead are made', async () => {
  const clock = movableClock()
  await using platform = await startPlatform({ clock, delivers: false })
  const { id } = await platform.addEndpoint('http://127.0.0.1:9009/')
  await platform.client.mutate('endpointDisable', { id })
  await platform.publish()
  clock.advance(29 * dayS)
  await round(platform, clock)
  expect(await platform.deliveries()).toHaveLength(1)

  clock.advance(3 * dayS)
  await round(platform, clock)
  expect(await platform.deliveries()).toEqual([])
  const ahead = new Date(clock.now().getTime() + 6 * dayS * 1000)
  expect(await days(platform)).toContain(ahead.toISOString().slice(0, 10).replaceAll('-', ''))
})

test('a day stays while one of its deliveries is still to come', async () => {
  const clock = movableClock()
  await using platform = await startPlatform({
    ...{ clock, delivers: false, config: { retentionDays: 1 } },
  })
  await platform.addEndpoint('http://127.0.0.1:9009/')
  const deliverAt = new Date(clock.now().getTime() + 10 * dayS * 1000).toISOString()
  await platform.publish({ deliverAt })
  clock.advance(9 * dayS)
  await round(platform, clock, 1)
  expect(await platform.deliveries()).toMatchObject([
    { status: 'PENDING', nextAttemptAt: deliverAt },
  ])
})

function round({ bundle }: Platform, clock: MovableClock, retentionDays = 30): Promise<void> {
  const { pool } = bundle.database
  return retain({ pool, clock, log: createLog('silent'), retentionDays })
}

async function days({ bundle }: Platform): Promise<string[]> {
  const { rows } = await bundle.database.pool.query<{ day: string }>(
    `select right(relname, 8) as day from pg_class where relname ~ '^event_[0-9]{8}$'`,
  )
  return rows.map(({ day }) => day)
}
