import { expect, test } from 'vitest'
import { uuidOf } from '../../src/rules/id.ts'
import { openBundle } from '../support/bundle.ts'
import { addEndpoint } from '../support/endpoints.ts'

test('an endpoint is enabled while a result refers to it', async () => {
  await using bundle = await openBundle()
  const { client } = await bundle.newTenant()
  const { id } = await addEndpoint(client, { url: 'https://example.com/', ping: false })
  const storing = await bundle.database.pool.connect()
  // As the foreign key of its health does.
  await storing.query('begin')
  await storing.query('select from endpoint where id = $1 for key share', [uuidOf('wh', id)])

  const enabled = await client.mutate('endpointEnable', { id }, 'endpoint { status }')
  await storing.query('rollback')
  storing.release()

  expect(enabled).toMatchObject({ endpoint: { status: 'ENABLED' } })
})
