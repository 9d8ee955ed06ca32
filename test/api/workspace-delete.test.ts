import { expect, test } from 'vitest'
import { publicId } from '../../src/rules/id.ts'
import { operatorWorkspaceId } from '../../src/rules/operational-event.ts'
import { openBundle } from '../support/bundle.ts'
import { addEndpoint } from '../support/endpoints.ts'
import { eventType, startPlatform } from '../support/platform.ts'
import { startSecond } from '../support/processes.ts'
import { startReceiver } from '../support/receiver.ts'
import { movableClock } from '../support/time.ts'

const deleted = 'deletedWorkspaceId'
const operatorsOwn = publicId('ws', operatorWorkspaceId)

test('a deleted workspace is found by nobody', async () => {
  await using bundle = await openBundle()
  const { workspaceId: id, client } = await bundle.newTenant()
  const { id: endpointId } = await addEndpoint(client)

  const answer = await bundle.operator.mutate('workspaceDelete', { id }, deleted)

  expect(answer).toEqual({ __typename: 'WorkspaceDeleteSuccess', deletedWorkspaceId: id })
  const found = await bundle.operator.ask(
    `query ($id: ID!, $endpointId: ID!) {
      workspace(id: $id) { id } node(id: $id) { id } endpoint(id: $endpointId) { id }
      workspaces(first: 9) { totalCount nodes { id } }
    }`,
    { id, endpointId },
  )
  expect(found).toEqual({
    ...{ workspace: null, node: null, endpoint: null },
    workspaces: { totalCount: 1, nodes: [{ id: operatorsOwn }] },
  })
})

test('its keys are refused within 5 seconds', async () => {
  const clock = movableClock()
  await using bundle = await openBundle({ clock })
  const { workspaceId: id, client } = await bundle.newTenant()
  await client.ask('{ viewer { scopes } }')

  await bundle.operator.mutate('workspaceDelete', { id })
  clock.advance(5)

  const { errors } = await client.send('{ viewer { scopes } }')
  expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }])
})

test('publishing to it and adding to it are refused at once', async () => {
  const now = new Date()
  await using bundle = await openBundle({ clock: { now: () => now } })
  const { workspaceId: id, client } = await bundle.newTenant()
  await bundle.operator.mutate('eventTypeCreate', { name: 'invoice.paid' })
  await client.ask('{ viewer { scopes } }') // its key is known now, and time stands still
  await bundle.operator.mutate('workspaceDelete', { id })

  const event = { eventType: 'invoice.paid', payloadText: '{}' }
  const key = { workspaceId: id, name: 'late', scopes: ['READ'] }
  const endpoint = { url: 'https://example.com/', eventTypes: ['*'] }
  const answers = [
    await client.mutate('eventPublish', event),
    await bundle.operator.mutate('eventPublish', { ...event, workspaceId: id }),
    await client.mutate('endpointCreate', endpoint),
    await bundle.operator.mutate('apiKeyCreate', key),
    await bundle.operator.mutate('workspaceUpdate', { id, name: 'Again' }),
  ]

  expect(answers.map(({ code }) => code)).toEqual(Array(5).fill('NOT_FOUND'))
})

test('what waited is not sent any more', async () => {
  const clock = movableClock()
  await using receiver = await startReceiver(500)
  await using platform = await startPlatform({ clock })
  await platform.addEndpoint(receiver.url, { retrySchedule: [60] })
  await platform.publish()
  await platform.watch.untilStatus('RETRYING')
  const id = platform.tenant.workspaceId

  await platform.bundle.operator.mutate('workspaceDelete', { id })
  clock.advance(120)
  await using other = await startReceiver()
  const next = await platform.bundle.newTenant()
  await addEndpoint(next.client, { url: other.url, ping: true })
  await other.next()

  expect(receiver.requests).toHaveLength(1)
})

test('after the answer no process sends what waits', async () => {
  await using receiver = await startReceiver()
  await using others = await startReceiver()
  await using platform = await startPlatform({ delivers: false })
  await using _second = await startSecond(platform.bundle)
  await platform.addEndpoint(receiver.url, { rateLimitPerSecond: 20 })
  await platform.publishMany(200)
  await receiver.until(5)

  const id = platform.tenant.workspaceId
  await platform.bundle.operator.mutate('workspaceDelete', { id })
  const sent = receiver.requests.length
  const next = await platform.bundle.newTenant()
  await addEndpoint(next.client, { url: others.url, rateLimitPerSecond: 1 })
  const events = [1, 2, 3].map((n) => ({ eventType, payloadText: `{"n":${n}}` }))
  await next.client.mutate('eventPublishBatch', { events })
  await others.until(3) // two seconds at the least

  expect(receiver.requests).toHaveLength(sent)
})

test('deleting it again gives the same answer', async () => {
  await using bundle = await openBundle()
  const { workspaceId: id } = await bundle.newTenant()

  const first = await bundle.operator.mutate('workspaceDelete', { id }, deleted)
  const second = await bundle.operator.mutate('workspaceDelete', { id }, deleted)

  expect(second).toEqual(first)
  const query =
    '{ auditLog(first: 9, filter: { actions: [WORKSPACE_DELETED] }) { nodes { targetId } } }'
  expect((await bundle.operator.ask(query)).auditLog.nodes).toEqual([{ targetId: id }])
})

test('a workspace that never was is not found', async () => {
  await using bundle = await openBundle()

  const id = 'ws_01h455vb4pex5vsknk084sn02q'
  expect(await bundle.operator.mutate('workspaceDelete', { id })).toMatchObject({
    code: 'NOT_FOUND',
    message: 'Workspace not found.',
  })
})

test("the operator's own workspace cannot be deleted", async () => {
  await using bundle = await openBundle()

  expect(await bundle.operator.mutate('workspaceDelete', { id: operatorsOwn })).toMatchObject({
    code: 'INVALID_STATE',
  })
})

test('its external id is free again', async () => {
  await using bundle = await openBundle()
  const input = { name: 'Acme', externalId: 'acme-1' }
  const { workspace } = await bundle.operator.mutate('workspaceCreate', input, 'workspace { id }')
  await bundle.operator.mutate('workspaceDelete', { id: workspace.id })

  const again = await bundle.operator.mutate('workspaceCreate', input, 'workspace { id }')

  expect(again.workspace.id).not.toBe(workspace.id)
})
