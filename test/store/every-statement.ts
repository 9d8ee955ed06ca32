import { type Database, inTransaction } from '../../src/db.ts'
import { systemActor } from '../../src/model/audit-entry.ts'
import { unknownHealth } from '../../src/rules/circuit.ts'
import { newDeliveryUuid, newUuid } from '../../src/rules/id.ts'
import * as audit from '../../src/store/audit-entry.ts'
import * as attempt from '../../src/store/attempt.ts'
import * as change from '../../src/store/change.ts'
import * as deliveryChange from '../../src/store/delivery-change.ts'
import { anyDelivery, type DeliveryFilter } from '../../src/store/delivery-filter.ts'
import * as deliveryList from '../../src/store/delivery-list.ts'
import { readDeliveries } from '../../src/store/delivery.ts'
import { countDue } from '../../src/store/due-count.ts'
import * as due from '../../src/store/due.ts'
import * as disable from '../../src/store/endpoint-disable.ts'
import * as health from '../../src/store/endpoint-health.ts'
import * as secret from '../../src/store/endpoint-secret.ts'
import { readStats } from '../../src/store/endpoint-stats.ts'
import * as erasure from '../../src/store/erasure.ts'
import * as purge from '../../src/store/payload-purge.ts'
import * as deletion from '../../src/store/workspace-deletion.ts'
import * as endpoint from '../../src/store/endpoint.ts'
import * as event from '../../src/store/event.ts'
import { newLogSpan } from '../../src/store/log-span.ts'
import * as lane from '../../src/store/lane-endpoint.ts'
import * as owners from '../../src/store/log-owners.ts'
import { readSubjects } from '../../src/store/operational-subject.ts'
import * as partition from '../../src/store/partition.ts'
import * as publication from '../../src/store/publication.ts'
import { readsOf } from '../../src/store/reads.ts'
import * as replayTurn from '../../src/store/replay-turn.ts'
import { readReplayEvents } from '../../src/store/replay-events.ts'
import * as replay from '../../src/store/replay.ts'
import { recordResults, type ResultRow } from '../../src/store/result.ts'
import { afterAllIds, beforeAllIds } from '../../src/store/slice.ts'
import * as subscription from '../../src/store/subscription.ts'
import type { SomeIds } from '../support/many-rows.ts'

/** Runs every statement of `src/store` on tenant tables, each rolled back that changes rows. */
export async function runEveryStatement(database: Database, some: SomeIds): Promise<void> {
  const { pool, orm } = database
  const read = readsOf(database)
  const { workspaceId, endpointIds, eventIds, deliveryIds } = some
  const [endpointId = '', otherEndpointId = ''] = endpointIds
  const [deliveryId = ''] = deliveryIds
  const key = { workspaceId, id: endpointId }
  const slice = {
    newerThan: beforeAllIds,
    olderThan: afterAllIds,
    order: 'newest',
    limit: 20,
    days: await newLogSpan(read)(),
  } as const
  const at = new Date()
  const em = orm.em.fork()

  await readDeliveries(read, workspaceId, deliveryIds)
  await deliveryList.listDeliveries(read, { workspaceId, filter: anyDelivery }, slice)
  for (const condition of deliveryConditions(some)) {
    const filter = { ...anyDelivery, ...condition }
    await deliveryList.listDeliveries(read, { workspaceId, filter }, slice)
    await deliveryList.listDeliveries(read, { workspaceId, filter }, { ...slice, order: 'oldest' })
    await deliveryList.countDeliveries(read, { workspaceId, filter }, 100)
    const of = { owner: 'endpoint', ownerIds: endpointIds, workspaceId, filter } as const
    await deliveryList.listDeliveriesOf(read, of, slice)
  }
  const of = { owner: 'event', ownerIds: eventIds, workspaceId, filter: anyDelivery } as const
  await deliveryList.listDeliveriesOf(read, of, slice)
  await event.readEvents(read, workspaceId, eventIds)
  await event.readPayloads(read, workspaceId, eventIds)
  const anyEvent = {
    eventTypes: null,
    idempotencyKey: null,
    createdSince: null,
    createdUntil: null,
  }
  await event.listEvents(read, { workspaceId, filter: anyEvent }, slice)
  const eventTypes = ['invoice.paid', 'invoice.void']
  await event.listEvents(read, { workspaceId, filter: { ...anyEvent, eventTypes } }, slice)
  await attempt.readAttemptsOf(read, workspaceId, deliveryIds)
  const attempts = deliveryIds.map((id) => ({ deliveryId: id, number: 1 }))
  await attempt.readAttempts(read, workspaceId, attempts)
  await attempt.readExchanges(read, workspaceId, attempts)
  const range = { since: new Date(at.getTime() - 3_600_000), until: at, bucket: 'HOUR' } as const
  await readStats(read, { workspaceId, endpointIds: [endpointId], ...range })
  const after = { xid: await change.readFence(read), id: newUuid(at.getTime()), index: 0 }
  await change.readChanges(read, [{ workspaceId, after }], 100)
  await owners.findDeliveryOwners(read, deliveryIds)
  await owners.findEventOwners(read, eventIds)
  await countDue(pool, 10_000)

  await endpoint.findEndpoints(em, [key, { workspaceId, id: otherEndpointId }])
  await endpoint.findEndpoint(em, key)
  await endpoint.listEndpoints(em, { workspaceId }, slice)
  await endpoint.countEndpoints(em, { workspaceId })
  await endpoint.findEndpointOwners(em, endpointIds)
  await replay.findReplays(em, [key])
  await replay.findRunningReplay(em, key)
  await replay.findFullReplay(em, { ...key, since: at })
  await replay.findReplayOwners(em, endpointIds)
  await health.findEndpointHealth(em, [key])
  await health.countDueByEndpoint(em, [key])
  await secret.findEndpointSecrets(em, key)
  await em
    .transactional(async (inside) => {
      await endpoint.lockEndpoint(inside, key)
      await replay.lockReplay(inside, key)
      await health.resetEndpointHealth(inside, { ...key, at, disabledAt: at })
      await health.unparkEndpoint(inside, { ...key, at })
      await secret.removeSecrets(inside, key)
      await deletion.deleteEndpointsOf(inside, { id: workspaceId, at })
      throw new RollBack()
    })
    .catch(RollBack.expected)

  const anyEntry = { actions: null, targetId: null, apiKeyId: null, since: null, until: null }
  for (const filter of [anyEntry, { ...anyEntry, targetId: endpointId }]) {
    await audit.listAuditEntries(em, { workspaceId, filter }, slice)
    await audit.listAuditEntries(em, { workspaceId: null, filter }, slice)
  }
  await audit.findAuditEntries(em, endpointIds, workspaceId)
  await audit.knowsDeletion(em, workspaceId)

  await subscription.readVersions(pool, [workspaceId])
  await subscription.readSubscriptions(pool, [workspaceId])
  await lane.readLaneEndpoints(pool, endpointIds)
  await readSubjects(pool, [{ workspaceId, endpointId }])
  await lane.readLaneNews(
    pool,
    endpointIds.map((id) => ({ endpointId: id, asksForDue: true })),
  )
  await due.findDueEndpoints(pool, { until: at, after: beforeAllIds, limit: 100 })
  await disable.findFailingEndpoints(pool, at)
  await partition.oldestAwaitedDay(pool, at)
  const wish = { endpointId, workspaceId, after: due.dueStart, rowsMax: 100 }
  const page = await due.loadDue(pool, [wish], new Date(at.getTime() + 1e9))
  await due.readDueEvents(pool, { events: page, bytesMax: 1e6 })
  await publication.countDeliveriesOf(pool, workspaceId, eventIds)

  await inTransaction(pool, async (client) => {
    await due.mendDue(client, page)
    await due.unholdDue(client, { endpointId, workspaceId })
    const changeId = newUuid(at.getTime())
    await due.cancelDue(client, { endpointId, workspaceId, changeId, at, limit: 10 })
    const wish = { endpointId, workspaceId, version: '0', reason: 'GONE', at } as const
    await disable.disableEndpoint(client, { ...wish, auditEntryId: changeId })
    const delivery = await deliveryChange.lockDelivery(client, { workspaceId, id: deliveryId })
    if (!delivery) throw new Error('There is no delivery.')
    const status = delivery.status
    const changed = { delivery, status, changeId, at }
    await client.query('savepoint changed')
    await deliveryChange.requeueDelivery(client, changed).catch(() => {})
    await client.query('rollback to changed')
    await deliveryChange.cancelDelivery(client, changed).catch(() => {})
    await client.query('rollback to changed')
    await publish(client, some, at)
    await record(client, page[0], at)
    await takeTurn(client, read, at)
    await partition.deleteLeftovers(client, new Date(0))
    await forget(client, some, at)
    await audit.deleteOldAuditEntries(client, { before: new Date(0), limit: 100 })
    throw new RollBack()
  }).catch(RollBack.expected)
}

/** One for each source of `delivery-source.ts`, and one that none fits. */
function deliveryConditions({ endpointIds, eventIds }: SomeIds): Partial<DeliveryFilter>[] {
  return [
    { endpointIds: endpointIds.slice(0, 1) },
    { endpointIds },
    { eventId: eventIds[0] ?? '' },
    { eventTypes: ['invoice.paid', 'invoice.void'] },
    { triggers: ['PING', 'REPLAY'] },
    { statuses: ['RETRYING', 'FAILED'] },
    { statuses: ['CANCELED'], endpointIds },
    { statuses: ['PENDING', 'RETRYING', 'SUPPRESSED'] },
    { statuses: ['SUCCEEDED'] },
    { lastResults: ['TIMEOUT'] },
    { lastStatusCodeMin: 500, lastStatusCodeMax: 599 },
    { statuses: [] },
  ]
}

async function publish(
  client: Parameters<typeof publication.takeKeys>[0],
  { workspaceId, endpointIds }: SomeIds,
  at: Date,
): Promise<void> {
  const eventId = newUuid(at.getTime())
  const row = { key: 'new', eventId, requestHash: Buffer.alloc(32) }
  await publication.takeKeys(client, { workspaceId, at, rows: [row] })
  await publication.readKeys(client, workspaceId, ['new'])
  const published = {
    ...{ eventId, workspaceId, eventType: 'invoice.paid', payloadText: '{}' },
    ...{ idempotencyKey: null, occurredAt: at, deliverAt: null, traceparent: null },
  }
  const deliveries = endpointIds.map((endpointId) => ({
    ...{ deliveryId: newDeliveryUuid(at.getTime()), workspaceId, endpointId, event: published },
    ...{ status: 'PENDING', trigger: 'EVENT', dueAt: at },
  })) satisfies publication.DeliveryRow[]
  const changeId = newUuid(at.getTime())
  const rows = { deliveries, changeId, at, asOf: null }
  await publication.insertPublication(client, { events: [published], ...rows })
  const other = newUuid(at.getTime())
  await publication.insertKeyedPublication(
    client,
    { ...rows, events: [{ ...published, eventId: other }], deliveries: [] },
    { workspaceId, at, rows: [{ ...row, key: other, eventId: other }] },
  )
}

async function forget(
  client: Parameters<typeof purge.purgeEvent>[0],
  { workspaceId, eventIds }: SomeIds,
  at: Date,
): Promise<void> {
  const key = { workspaceId, id: eventIds[0] ?? '' }
  const ids = { auditEntryId: newUuid(at.getTime()), changeId: newUuid(at.getTime()) }
  const wish = { key, at, actor: systemActor, ...ids }
  await purge.purgeEvent(client, wish)
  const purged = await purge.purgeDeliveries(client, wish)
  await purge.purgeAttempts(client, workspaceId, [purged[0]?.id ?? ''])
  await erasure.findDeletedWorkspaces(client)
  const batch = { workspaceId, limit: 10 }
  for (const name of Object.keys(erasure).filter((one) => /^(erase|empty)/.test(one))) {
    const erase: unknown = Reflect.get(erasure, name)
    if (name !== 'eraseWorkspace') await (erase as erasure.Erase)(client, batch)
  }
  await erasure.eraseWorkspace(client, workspaceId)
}

async function record(
  client: Parameters<typeof recordResults>[0],
  loaded: due.DueRow | undefined,
  at: Date,
): Promise<void> {
  if (!loaded) throw new Error('Nothing waits.')
  const { deliveryId, workspaceId, endpointId } = loaded
  const result: ResultRow = {
    ...{
      deliveryId,
      workspaceId,
      endpointId,
      status: 'SUCCEEDED' as const,
      failures: 0,
      durationMs: 1,
    },
    ...{ loadedDueAt: loaded.dueAt, loadedNextAt: loaded.dueAt, number: loaded.attemptCount + 1 },
    trigger: 'SCHEDULED',
    result: 'SUCCEEDED',
    ...{ nextAttemptAt: null, nextDueAt: null },
    ...{ errorMessage: null, startedAt: at, url: '', requestHeaders: '', statusCode: null },
    ...{ responseHeaders: null, responseBody: null, responseBodyTruncated: false },
  }
  const of = { ...unknownHealth, endpointId, workspaceId, asOf: at }
  const batch = { results: [result], health: [of], changeId: newUuid(at.getTime()), at }
  await recordResults(client, batch)
}

async function takeTurn(
  client: Parameters<typeof replayTurn.claimReplayTurn>[0],
  read: ReturnType<typeof readsOf>,
  at: Date,
): Promise<void> {
  const mine = await replayTurn.claimReplayTurn(client, { at, nextTurnAt: at })
  if (!mine) throw new Error('No replay is running.')
  await readReplayEvents(read, mine, 100)
  await replayTurn.countUnattempted(client, { ...mine, until: at, limit: 10 })
  const changeId = newUuid(at.getTime())
  const end = { ...mine, status: 'RUNNING', nextTurnAt: at, deliveries: [], changeId, at } as const
  await replayTurn.storeReplayTurn(client, mine, end)
}

/** Ends a transaction whose work is not meant to stay. */
class RollBack extends Error {
  static readonly expected = (error: unknown): void => {
    if (!(error instanceof RollBack)) throw error
  }
}
