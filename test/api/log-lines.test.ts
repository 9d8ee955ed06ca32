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

test('a line about a row that was refused does not show the row', async () => {
  const { log, lines } = keepLog()
  await using bundle = await openBundle({ log })
  await bundle.operator.mutate('eventTypeCreate', { name: 'invoice.paid' })
  const { client } = await bundle.newTenant()
  for (const refused of [
    `alter table event add check (payload not like '%Jane%')`,
    `alter table workspace add check (name not like 'Jane%')`,
  ])
    await bundle.database.pool.query(refused)

  const event = { eventType: 'invoice.paid', payloadText: '{"name":"Jane"}' }
  await client.mutate('eventPublish', event).catch(() => {})
  await bundle.operator.mutate('workspaceCreate', { name: 'Jane Doe Ltd' }).catch(() => {})

  const failed = lines().filter((text) => text.includes('violates check constraint'))
  expect(failed).toHaveLength(2)
  expect(failed.filter((text) => text.includes('Jane'))).toEqual([])
})
