import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'
import { addEndpoint } from '../support/endpoints.ts'
import { keepLog } from '../support/log-lines.ts'

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/

test('a line about unreadable headers names public ids', async () => {
  const { log, lines } = keepLog()
  await using bundle = await openBundle({ log })
  const { client, workspaceId } = await bundle.newTenant()
  const { id } = await addEndpoint(client, { headers: [{ name: 'x-a', value: '1' }] })
  await bundle.database.pool.query("update endpoint set headers_sealed = 'no such key'")

  await client.ask('query ($id: ID!) { endpoint(id: $id) { headers { name } } }', { id })

  const [line] = lines().filter((text) => text.includes('cannot be read'))
  expect(JSON.parse(line ?? '')).toMatchObject({ endpoint: id, workspace: workspaceId })
})

test('a line about a ping that failed names public ids', async () => {
  const { log, lines } = keepLog()
  await using bundle = await openBundle({ log })
  const { client } = await bundle.newTenant()
  await bundle.database.pool.query('alter table due rename to overdue')

  const { id } = await addEndpoint(client, { ping: true })

  const [line = ''] = lines().filter((text) => text.includes('was not pinged'))
  expect(JSON.parse(line)).toMatchObject({ endpoint: id })
  expect(line).not.toMatch(uuid)
})
