import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/db.ts'
import { readStats } from '../../src/store/endpoint-stats.ts'
import { anyDelivery } from '../../src/store/delivery-filter.ts'
import { listDeliveries, countDeliveries } from '../../src/store/delivery-list.ts'
import { listEvents } from '../../src/store/event.ts'
import { readExchanges, readAttemptsOf, readAttempts } from '../../src/store/attempt.ts'
import { readsOf } from '../../src/store/reads.ts'
import { afterAllIds, beforeAllIds } from '../../src/store/slice.ts'
import { freshDatabase } from '../support/database.ts'
import { logRows } from '../support/log-rows.ts'
test('x', async () => {
  await using fresh = await freshDatabase()
  await using database = await openDatabase(fresh.url)
  const read = readsOf(database)
  const rows = logRows(database)
  const workspaceId = await rows.addWorkspace()
  const endpointId = await rows.addEndpoint(workspaceId)
  const [d] = await rows.publish({ workspaceId, endpointIds: [endpointId] })
  await rows.attempt(d!, { result: 'HTTP_ERROR', statusCode: 500, responseBody: Buffer.from('hi') })
  const slice = { newerThan: beforeAllIds, olderThan: afterAllIds, order: 'newest', limit: 10 } as const
  console.log(await listDeliveries(read, { workspaceId, filter: anyDelivery }, slice))
  console.log(await listDeliveries(read, { workspaceId, filter: {...anyDelivery, statuses: ['FAILED']} }, slice))
  console.log(await countDeliveries(read, { workspaceId, filter: anyDelivery }, 5))
  console.log(await listEvents(read, { workspaceId, filter: {eventTypes: null, idempotencyKey: null, createdSince: null, createdUntil: null} }, slice))
  console.log(await readAttemptsOf(read, workspaceId, [d!.deliveryId]))
  console.log(await readAttempts(read, workspaceId, [{deliveryId: d!.deliveryId, number: 1}]))
  console.log(await readExchanges(read, workspaceId, [{deliveryId: d!.deliveryId, number: 1}]))
  console.log(await readStats(read, {workspaceId, endpointIds: [endpointId], since: new Date(Date.now()-1e7), until: new Date(Date.now()+1e7), bucket: 'HOUR'}))
})
