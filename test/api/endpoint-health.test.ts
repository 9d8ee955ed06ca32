import { expect, test } from 'vitest'
import { uuidOf } from '../../src/rules/id.ts'
import { openBundle } from '../support/bundle.ts'
import { addEndpoint } from '../support/endpoints.ts'

test('what waits is counted inside its own workspace alone', async () => {
  await using bundle = await openBundle()
  const [one, other] = [await bundle.newTenant(), await bundle.newTenant()]
  const { id } = await addEndpoint(one.client)
  const query = 'query ($id: ID!) { endpoint(id: $id) { health { pendingDeliveries { value } } } }'
  const add = (workspaceId: string) => {
    const insert = `insert into due (endpoint_id, due_at, delivery_id, workspace_id, event_id,
        attempt_count, failures, attempt_trigger)
      values ($1, now(), gen_random_uuid(), $2, gen_random_uuid(), 0, 0, 'SCHEDULED')`
    return bundle.database.pool.query(insert, [uuidOf('wh', id), uuidOf('ws', workspaceId)])
  }
  await add(one.workspaceId)
  await add(other.workspaceId)

  const { endpoint } = await one.client.ask(query, { id })

  expect(endpoint.health.pendingDeliveries.value).toBe(1)
})
