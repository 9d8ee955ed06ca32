import { expect, test } from 'vitest'
import { openDatabase } from '../src/db.ts'
import { freshDatabase } from './support/database.ts'
import { dumpSchema } from './support/schema-dump.ts'

test('schema.sql is what the migrations add up to', async () => {
  await using fresh = await freshDatabase()
  await using database = await openDatabase(fresh.url)
  await expect(await dumpSchema(database.pool)).toMatchFileSnapshot('../migrations/schema.sql')
})
