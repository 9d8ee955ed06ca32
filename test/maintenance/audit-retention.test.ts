import { expect, test } from 'vitest'
import { openDatabase } from '../../src/db.ts'
import { dayMs, dutyBatchMax } from '../../src/limits.ts'
import { retainAudit } from '../../src/maintenance/audit-retention.ts'
import { newUuid } from '../../src/rules/id.ts'
import { freshDatabase } from '../support/database.ts'
import { movableClock } from '../support/time.ts'

test('entries of the audit log are kept for a year, then deleted', async () => {
  await using fresh = await freshDatabase()
  await using database = await openDatabase(fresh.url)
  const { pool } = database
  const clock = movableClock()
  const nowMs = clock.now().getTime()
  const ages = [...Array.from({ length: dutyBatchMax + 1 }, () => 400), 366, 0]
  const ids = ages.map((days) => newUuid(nowMs - days * dayMs))
  await pool.query(
    `insert into audit_entry (id, action, target_id, actor)
     select id, 'EVENT_TYPE_CREATED', id, 'SYSTEM' from unnest($1::uuid[]) as id`,
    [ids],
  )

  await retainAudit({ pool, clock })

  const { rows } = await pool.query('select id from audit_entry order by id')
  expect(rows.map(({ id }) => id)).toEqual(ids.slice(-2))
})
