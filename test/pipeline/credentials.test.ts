import { expect, test } from 'vitest'
import { startPlatform } from '../support/platform.ts'
import { startReceiver } from '../support/receiver.ts'

test("an endpoint's credentials reach its receiver, and no table", async () => {
  await using receiver = await startReceiver()
  await using platform = await startPlatform()
  const headers = [
    { name: 'Authorization', value: 'Bearer not-for-the-log' },
    { name: 'X-Tenant', value: 'acme' },
  ]
  const { secret } = await platform.addEndpoint(receiver.url, { headers })
  await platform.publish()
  const request = await receiver.next()
  await platform.watch.untilStatus('SUCCEEDED')

  expect(request.headers).toMatchObject({ authorization: 'Bearer not-for-the-log' })
  const { pool } = platform.bundle.database
  const { rows } = await pool.query<{ row: string }>(`
    select attempt::text as row from attempt
    union all select endpoint::text from endpoint
    union all select endpoint_secret::text from endpoint_secret`)
  const stored = rows.map(({ row }) => row).join('\n')
  expect(stored).toContain('X-Tenant: acme')
  expect(stored).not.toContain('not-for-the-log')
  expect(stored).not.toContain(secret)
})
