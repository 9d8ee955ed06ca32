import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bundle, openBundle, type Tenant } from '../support/bundle.ts'
import { runCurl } from '../support/curl.ts'
import { addEndpoint, anyEndpoint } from '../support/endpoints.ts'
import { startPlatform } from '../support/platform.ts'
import { startReceiver } from '../support/receiver.ts'
import {
  deleteWebhook,
  invalidAt,
  jsonOf,
  postWebhook,
  refusedAs,
  webhooksPath,
} from '../support/rest.ts'

const url = 'https://example.com/hook'
const event = 'evaluation.completed'

let bundle: Bundle
let tenant: Tenant

beforeAll(async () => {
  bundle = await openBundle()
  await bundle.operator.mutate('eventTypeCreate', { name: event })
  tenant = await bundle.newTenant()
})

afterAll(() => bundle[Symbol.asyncDispose]())

/** The documented commands, each as it stands there. */
function documentedCommands(): readonly string[] {
  const api = readFileSync('docs/api.md', 'utf8')
  const block = /## REST[\s\S]*?```sh\n([\s\S]*?)```/.exec(api)?.[1] ?? ''
  return block.split('\n\n').map((command) => command.trim())
}

test('the documented commands do what they say', async () => {
  const { key, client } = await bundle.newTenant()
  const [create = '', list = '', drop = ''] = documentedCommands()
  const run = (command: string, id = '') => {
    return runCurl(command.replace('http://127.0.0.1:4000', bundle.url), { KEY: key, ID: id })
  }

  const created = await run(create)
  const listed = await run(list)
  const made = JSON.parse(created.body)
  const dropped = await run(drop, made.id)

  expect([created.status, listed.status, dropped.status]).toEqual([201, 200, 204])
  expect(made).toEqual({
    id: expect.stringMatching(/^wh_[0-9a-z]{26}$/),
    url,
    events: [event],
    secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  })
  expect(Object.keys(made)).toEqual(['id', 'url', 'events', 'secret', 'createdAt'])
  const { secret: _, ...shown } = made
  expect(JSON.parse(listed.body)).toEqual({ data: [shown] })
  expect(dropped.body).toBe('')
  const { endpoints } = await client.ask('{ endpoints(first: 1) { totalCount } }')
  expect(endpoints.totalCount).toBe(0)
})

test('an endpoint made here gets requests as TutorFlow documents them', async () => {
  await using platform = await startPlatform()
  await using receiver = await startReceiver()
  const secret = 'a secret of the client'

  const reply = await postWebhook(platform.client, { url: receiver.url, events: ['*'], secret })
  await platform.publish()
  await platform.watch.until((all) => all.some(({ status }) => status === 'SUCCEEDED'))

  expect(jsonOf(reply)).toMatchObject({ events: ['*'], secret })
  const headers = receiver.requests[0]?.headers ?? {}
  expect(Object.keys(headers)).toEqual(
    expect.arrayContaining(['x-platform-signature', 'x-platform-event', 'x-platform-delivery']),
  )
})

test('what GraphQL made is listed, newest first, without secrets', async () => {
  const { client } = await bundle.newTenant()
  const first = await addEndpoint(client)
  const second = await addEndpoint(client, { eventTypes: [event] })

  const reply = await client.fetch(webhooksPath)

  const shown = ({ endpoint }: typeof first) => ({
    id: endpoint.id,
    url: anyEndpoint.url,
    events: endpoint.eventTypes,
    createdAt: endpoint.createdAt,
  })
  expect(jsonOf(reply)).toEqual({ data: [shown(second), shown(first)] })
  expect(reply.text).not.toContain('whsec_')
})

test('a foreign id answers like one that never was', async () => {
  const stranger = await bundle.newTenant()
  const { id } = await addEndpoint(tenant.client)
  const unknown = 'wh_01jd0000000000000000000000'

  const replies = []
  for (const one of [id, unknown, 'x', '', `${id}/more`]) {
    replies.push(await deleteWebhook(stranger.client, one))
  }

  const expected = JSON.stringify(refusedAs('NOT_FOUND', 'Endpoint not found.'))
  expect(replies.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404])
  expect(new Set(replies.map((reply) => reply.text))).toEqual(new Set([expected]))
  expect((await deleteWebhook(tenant.client, id)).status).toBe(204)
  expect((await deleteWebhook(tenant.client, id)).status).toBe(404)
})

test('an operator names the workspace, and a key can name its own alone', async () => {
  const { workspaceId, client } = await bundle.newTenant()
  const named = `?workspaceId=${workspaceId}`

  const missing = await bundle.operator.fetch(webhooksPath)
  const created = await postWebhook(bundle.operator, { url, events: ['*'] }, named)
  const foreign = await tenant.client.fetch(`${webhooksPath}${named}`)
  const dropped = await deleteWebhook(bundle.operator, jsonOf(created).id)

  const needed = 'is required with an operator key.'
  expect(jsonOf(missing)).toEqual(invalidAt(['workspaceId'], needed))
  expect([created.status, dropped.status, foreign.status]).toEqual([201, 204, 404])
  expect(jsonOf(foreign)).toEqual(refusedAs('NOT_FOUND', 'Workspace not found.'))
  expect(jsonOf(await client.fetch(`${webhooksPath}${named}`))).toEqual({ data: [] })
})

test('requests here and to GraphQL use up one limit', async () => {
  const clock = { now: () => new Date('2026-03-19T10:00:15.000Z') }
  await using limited = await openBundle({ clock, config: { apiRateLimit: 2 } })
  const { client } = await limited.newTenant()
  await client.ask('{ __typename }')

  const served = await client.fetch(webhooksPath)
  const reply = await client.fetch(webhooksPath)

  expect(served.headers.get('ratelimit')).toBe('"minute";r=0;t=45')
  expect(reply.status).toBe(429)
  expect(reply.headers.get('retry-after')).toBe('45')
  expect(jsonOf(reply).error.code).toBe('RATE_LIMITED')
})

test('changes made here are noted as those of the key', async () => {
  const { client, keyId } = await bundle.newTenant()
  const { id } = jsonOf(await postWebhook(client, { url, events: ['*'] }))
  await deleteWebhook(client, id)

  const query = '{ auditLog(first: 2) { nodes { action targetId actor { apiKeyId } } } }'
  const { auditLog } = await client.ask(query)

  expect(auditLog.nodes).toEqual([
    { action: 'ENDPOINT_DELETED', targetId: id, actor: { apiKeyId: keyId } },
    { action: 'ENDPOINT_CREATED', targetId: id, actor: { apiKeyId: keyId } },
  ])
})
