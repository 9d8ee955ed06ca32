import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { uuidOf } from '../../src/rules/id.ts'
import type { News } from '../../src/rules/operational-event.ts'
import { compilePayloadSchema } from '../../src/rules/payload-schema.ts'
import type { Json } from '../support/client.ts'
import { addEndpoint } from '../support/endpoints.ts'
import { type Platform, startPlatform } from '../support/platform.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { watchDeliveries } from '../support/settle.ts'
import { disableFailingNow, newTell } from '../support/tell.ts'
import { movableClock } from '../support/time.ts'

const everything = ['postrider.*']

test('a delivery that fails for good is reported with its end', async () => {
  await using customer = await startReceiver(500)
  await using operator = await startReceiver()
  await using platform = await startPlatform()
  const endpoint = await platform.addEndpoint(customer.url, { retrySchedule: [] })
  await subscribe(platform, operator, ['postrider.delivery.failed'])
  const { eventId } = await platform.publish()

  const report = await reportTo(operator)
  const [delivery] = await platform.deliveries()
  expect(report).toEqual({
    workspaceId: platform.tenant.workspaceId,
    workspaceExternalId: null,
    endpointId: endpoint.id,
    endpointExternalId: null,
    url: customer.url,
    ...{ deliveryId: delivery.id, eventId, eventType: 'invoice.paid', attemptCount: 1 },
    ...{ result: 'HTTP_ERROR', statusCode: 500, errorMessage: 'HTTP 500' },
    failedAt: delivery.completedAt,
  })
  expect(operator.requests[0]?.headers).toMatchObject({
    'webhook-id': expect.stringMatching(/^evt_/),
    'webhook-signature': expect.stringMatching(/^v1,/),
  })
  await expectFit(platform, 'postrider.delivery.failed', report)
})

test('reports are counted among the events published', async () => {
  await using customer = await startReceiver(500)
  await using operator = await startReceiver()
  await using platform = await startPlatform()
  await platform.addEndpoint(customer.url, { retrySchedule: [] })
  await subscribe(platform, operator, everything)
  await platform.publish()
  await operator.next()
  const { text } = await platform.bundle.operator.fetch('/metrics')
  expect(text).toMatch(/^postrider_events_published_total 2$/m)
  expect(text).toMatch(/^postrider_deliveries_created_total 2$/m)
})

test('a report is stored by the transaction of what it reports', async () => {
  await using customer = await startReceiver(500)
  await using operator = await startReceiver()
  await using platform = await startPlatform()
  await platform.addEndpoint(customer.url, { retrySchedule: [] })
  await subscribe(platform, operator, everything)
  await platform.publish()
  await operator.next()
  const { rows } = await platform.bundle.database.pool.query(
    `select attempt.xmin = event.xmin as together from attempt, event
      where event.event_type like 'postrider.%' and attempt.workspace_id <> event.workspace_id`,
  )
  expect(rows).toEqual([{ together: true }])
})

test('an endpoint that answers 410 is reported as disabled', async () => {
  await using customer = await startReceiver(410)
  await using operator = await startReceiver()
  await using platform = await startPlatform()
  const { id } = await platform.addEndpoint(customer.url)
  await subscribe(platform, operator, ['postrider.endpoint.disabled'])
  await platform.publish()

  const report = await reportTo(operator)
  expect(report).toMatchObject({ endpointId: id, reason: 'GONE' })
  await expectFit(platform, 'postrider.endpoint.disabled', report)
})

test('an endpoint that failed for five days is reported as disabled', async () => {
  const clock = movableClock()
  await using customer = await startReceiver(500)
  await using operator = await startReceiver()
  await using platform = await startPlatform({ clock })
  const { id } = await platform.addEndpoint(customer.url, { retrySchedule: [] })
  await subscribe(platform, operator, ['postrider.endpoint.disabled'])
  await platform.publish()
  await platform.watch.untilStatus('FAILED')
  clock.advance(6 * 86_400)
  await disableFailingNow(platform, clock)

  expect(await reportTo(operator)).toMatchObject({ endpointId: id, reason: 'FAILING' })
})

test('the first success after an open circuit is reported once', async () => {
  const clock = movableClock()
  await using customer = await startReceiver(500)
  await using operator = await startReceiver()
  await using platform = await startPlatform({ clock })
  const { id } = await platform.addEndpoint(customer.url, { retrySchedule: [] })
  await subscribe(platform, operator, ['postrider.endpoint.recovered'])
  await platform.publishMany(50)
  await platform.watch.untilStatus('FAILED', 50)
  customer.answer(200)
  clock.advance(300) // more than ids put up with: those of the next test are of its own time
  await platform.publishMany(5)
  await platform.watch.untilStatus('SUCCEEDED', 5)

  const report = await reportTo(operator)
  expect(report).toMatchObject({ endpointId: id, downSince: expect.any(String) })
  expect(Date.parse(report.recoveredAt) - Date.parse(report.downSince)).toBeGreaterThan(299_000)
  await expectFit(platform, 'postrider.endpoint.recovered', report)
  expect(await reportsStored(platform)).toHaveLength(1)
})

test('the first success of an endpoint enabled again is reported once', async () => {
  await using customer = await startReceiver()
  await using operator = await startReceiver()
  await using platform = await startPlatform()
  const { id } = await platform.addEndpoint(customer.url)
  await subscribe(platform, operator, everything)
  await platform.publish()
  await platform.watch.untilStatus('SUCCEEDED')
  await platform.client.mutate('endpointDisable', { id })
  await platform.client.mutate('endpointEnable', { id })
  await platform.publishMany(5)
  await platform.watch.untilStatus('SUCCEEDED', 6)

  expect(await reportTo(operator)).toMatchObject({ endpointId: id })
  expect(await reportsStored(platform)).toEqual(['postrider.endpoint.recovered'])
})

test('a report that fails makes no other report', async () => {
  await using customer = await startReceiver(500)
  await using operator = await startReceiver(410)
  await using platform = await startPlatform()
  await platform.addEndpoint(customer.url, { retrySchedule: [] })
  const workspaceId = await subscribe(platform, operator, ['*'])
  await using watch = await watchDeliveries(platform.bundle.services.hub, workspaceId)
  await platform.publish()
  await watch.untilStatus('FAILED')
  await untilDisabled(platform, workspaceId)
  await platform.publish()
  await watch.untilStatus('SUPPRESSED')

  const failed = 'postrider.delivery.failed'
  expect(await reportsStored(platform)).toEqual([failed, failed])
})

test('what nobody subscribes to is not stored', async () => {
  await using customer = await startReceiver(500)
  await using operator = await startReceiver()
  await using platform = await startPlatform()
  await platform.addEndpoint(customer.url, { retrySchedule: [] })
  await platform.publish()
  await platform.watch.untilStatus('FAILED')
  await subscribe(platform, operator, ['postrider.endpoint.disabled'])
  await platform.publish()
  await platform.watch.untilStatus('FAILED', 2)
  expect(await reportsStored(platform)).toEqual([])
})

test('what becomes of a deleted workspace is not reported', async () => {
  await using operator = await startReceiver()
  await using platform = await startPlatform()
  const { workspaceId } = platform.tenant
  const { id } = await platform.addEndpoint(operator.url)
  await subscribe(platform, operator, everything)
  const { pool } = platform.bundle.database
  const at = new Date()
  const news: News = {
    ...{ kind: 'endpoint.recovered', at, downSince: at },
    ...{ workspaceId: uuidOf('ws', workspaceId) ?? '', endpointId: uuidOf('wh', id) ?? '' },
  }
  const change = async () => ({ result: null, news: [news] })
  const tell = () => newTell(pool, systemClock)([news], change)

  await tell()
  await platform.bundle.operator.mutate('workspaceDelete', { id: workspaceId })
  await tell()

  expect(await reportsStored(platform)).toEqual(['postrider.endpoint.recovered'])
})

test('a burst of failures is reported one by one', async () => {
  await using customer = await startReceiver(410)
  await using operator = await startReceiver()
  await using platform = await startPlatform()
  const hook = { wireFormat: 'TUTORFLOW', retrySchedule: [] }
  for (let n = 0; n < 10; n += 1) await platform.addEndpoint(customer.url, hook)
  await subscribe(platform, operator, ['postrider.delivery.failed'])
  await platform.publishMany(20)
  const requests = await operator.until(200)
  const failed = requests.map(({ body }) => JSON.parse(body.toString()).deliveryId)
  expect(new Set(failed).size).toBe(200)
})

test("a customer's endpoint cannot subscribe to reports", async () => {
  await using platform = await startPlatform()
  const input = { url: 'https://example.com/', eventTypes: ['invoice.paid', 'postrider.*'] }
  const refused = await platform.client.mutate('endpointCreate', input)
  const path = ['eventTypes', '1']
  const message = `"postrider.*" is reported to the operator alone, in the operator's workspace.`
  expect(refused).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path, message }] })
})

test('nobody but the program publishes, adds or changes reports', async () => {
  await using platform = await startPlatform()
  const { operator } = platform.bundle
  const name = 'postrider.endpoint.disabled'
  const { id: workspaceId } = await operatorWorkspace(platform)
  const published = { eventType: name, payloadText: '{}', workspaceId }
  expect(await operator.mutate('eventPublish', published)).toMatchObject({
    issues: [{ path: ['eventType'], message: `"${name}" is published by the program itself.` }],
  })
  for (const refused of [
    await operator.mutate('eventTypeCreate', { name: 'postrider.mine' }),
    await operator.mutate('eventTypeUpdate', { name, status: 'ACTIVE' }),
  ]) {
    const message = `begins with "postrider.": these names are the program's own.`
    expect(refused).toMatchObject({ issues: [{ path: ['name'], message }] })
  }
})

test("the catalogue shows customers no types of the operator's", async () => {
  await using platform = await startPlatform()
  const query = '{ eventTypes(first: 100) { totalCount nodes { name } } }'
  const namesOf = ({ eventTypes }: Json): string[] => {
    return eventTypes.nodes.map(({ name }: { name: string }) => name)
  }
  const toCustomer = await platform.client.ask(query)
  expect(namesOf(toCustomer)).toEqual(['course.done', 'invoice.void', 'invoice.paid'])
  expect(toCustomer.eventTypes.totalCount).toBe(3)
  const toOperator = await platform.bundle.operator.ask(query)
  expect(namesOf(toOperator)).toEqual(expect.arrayContaining(['postrider.delivery.failed']))
})

test('a ping sends the example of a report', async () => {
  await using operator = await startReceiver()
  await using platform = await startPlatform()
  const { id: workspaceId } = await operatorWorkspace(platform)
  const input = { workspaceId, url: operator.url, eventTypes: everything }
  const { id } = await addEndpoint(platform.bundle.operator, input)
  const eventType = 'postrider.delivery.failed'
  await platform.bundle.operator.mutate('endpointPing', { id, eventType })
  await expectFit(platform, eventType, await reportTo(operator))
})

async function operatorWorkspace({ bundle }: Platform): Promise<{ id: string }> {
  return (await bundle.operator.ask('{ workspace(externalId: "postrider") { id } }')).workspace
}

/** An endpoint of the operator's. Answers its workspace. */
async function subscribe(
  platform: Platform,
  { url }: Receiver,
  eventTypes: readonly string[],
): Promise<string> {
  const { id: workspaceId } = await operatorWorkspace(platform)
  await addEndpoint(platform.bundle.operator, { workspaceId, url, eventTypes })
  return workspaceId
}

async function reportTo(operator: Receiver): Promise<Json> {
  return JSON.parse((await operator.next()).body.toString())
}

/** The types of all reports in the log, oldest first. */
async function reportsStored(platform: Platform): Promise<readonly string[]> {
  const { id: workspaceId } = await operatorWorkspace(platform)
  const query = `query ($workspaceId: ID!) {
    events(workspaceId: $workspaceId, last: 100) { nodes { eventType } }
  }`
  const { events } = await platform.bundle.operator.ask(query, { workspaceId })
  return events.nodes.map(({ eventType }: { eventType: string }) => eventType)
}

async function untilDisabled({ bundle }: Platform, workspaceId: string): Promise<void> {
  const query = `query ($workspaceId: ID!) {
    endpoints(workspaceId: $workspaceId, first: 1) { nodes { status } }
  }`
  const isDisabled = async () => {
    const { endpoints } = await bundle.operator.ask(query, { workspaceId })
    return endpoints.nodes[0].status === 'DISABLED'
  }
  await expect.poll(isDisabled, { timeout: 15_000 }).toBe(true)
}

async function expectFit({ bundle }: Platform, eventType: string, payload: Json): Promise<void> {
  const query = '{ eventTypes(first: 100) { nodes { name schema example } } }'
  const { eventTypes } = await bundle.operator.ask(query)
  const { schema } = eventTypes.nodes.find(({ name }: { name: string }) => name === eventType)
  const compiled = compilePayloadSchema(schema)
  expect(compiled.ok && compiled.check(payload)).toBe(undefined)
  expect(Object.keys(payload)).toEqual(Object.keys(schema.properties))
}
