import { expect, test } from 'vitest'
import { revokeApiKey } from '../../src/control/api-keys.ts'
import { systemActor } from '../../src/model/audit-entry.ts'
import type { Keyring } from '../../src/first-run/keyring.ts'
import { welcome } from '../../src/first-run/welcome.ts'
import { openFirstWorkspace } from '../../src/first-run/workspace.ts'
import { uuidOf } from '../../src/rules/id.ts'
import { openBundle } from '../support/bundle.ts'
import { startReceiver } from '../support/receiver.ts'

/** A keyring in memory: what is kept, is kept as long as the test. */
function newKeyring(): Keyring {
  let kept: string | null = null
  return {
    adminKey: '',
    encryptionKeys: [],
    workspaceKey: () => kept,
    keepWorkspaceKey: async (text) => {
      kept = text
    },
  }
}

const viewer = '{ viewer { scopes workspace { id name } } }'

test('the first workspace and its key are made once', async () => {
  await using bundle = await openBundle()
  const keyring = newKeyring()
  const first = await openFirstWorkspace(bundle.services, keyring)
  const second = await openFirstWorkspace(bundle.services, keyring)

  expect(second).toEqual(first)
  expect(await bundle.clientOf(first.key).ask(viewer)).toEqual({
    viewer: {
      scopes: ['MANAGE', 'PUBLISH', 'READ'],
      workspace: { id: first.workspaceId, name: 'First workspace' },
    },
  })
})

test('a lost key is replaced', async () => {
  await using bundle = await openBundle()
  const first = await openFirstWorkspace(bundle.services, newKeyring())
  const second = await openFirstWorkspace(bundle.services, newKeyring())
  expect(second.workspaceId).toBe(first.workspaceId)
  expect((await bundle.clientOf(second.key).send(viewer)).errors).toEqual([])
})

test('a revoked key is replaced', async () => {
  await using bundle = await openBundle()
  const keyring = newKeyring()
  const first = await openFirstWorkspace(bundle.services, keyring)
  const { viewer: asked } = await bundle.clientOf(first.key).ask('{ viewer { apiKey { id } } }')
  await revokeApiKey(
    { ...bundle.services, actor: systemActor },
    uuidOf('key', asked.apiKey.id) ?? '',
  )

  const second = await openFirstWorkspace(bundle.services, keyring)
  expect(second.key).not.toBe(first.key)
  expect((await bundle.clientOf(second.key).send(viewer)).errors).toEqual([])
})

test('the catalogue has examples, also after a killed first start', async () => {
  await using bundle = await openBundle()
  await bundle.operator.mutate('eventTypeCreate', { name: 'clocking' })
  await openFirstWorkspace(bundle.services, newKeyring())
  const { client } = await bundle.newTenant()
  const { eventTypes } = await client.ask(
    '{ eventTypes(first: 100) { nodes { name status example } } }',
  )
  const names = eventTypes.nodes.map(({ name }: { name: string }) => name)
  expect(names).toHaveLength(8)
  expect(eventTypes.nodes).toContainEqual({
    name: 'evaluation.completed',
    status: 'ACTIVE',
    example: expect.objectContaining({ status: 'COMPLETED' }),
  })
})

test('the steps on the terminal work as printed', async () => {
  await using bundle = await openBundle({ delivers: true })
  await using receiver = await startReceiver()
  const { workspaceId, key } = await openFirstWorkspace(bundle.services, newKeyring())
  const origin = receiver.url.slice(0, -1)
  const told = { version: '1', adminKey: 'admin', dataDir: '/data', workspaceKey: key }
  const text = welcome({ ...told, workspaceId, origin })
  // As `curl -d @-` reads them: without line breaks.
  const bodies = [...text.matchAll(/^ {2}echo '([^']+)' \| gql$/gm)].map(([, body = '']) =>
    body.replaceAll('\n', ''),
  )
  const run = async (body: string) => {
    const headers = { 'content-type': 'application/json' }
    return (await bundle.clientOf(key).fetch('/graphql', { method: 'POST', headers, body })).data
  }
  const [create = '', publish = '', readLog = ''] = bodies

  expect(bodies).toHaveLength(3)
  expect(text.split('\n').every((line) => line.length <= 92)).toBe(true)
  expect(await run(create)).toMatchObject({
    endpointCreate: { secret: expect.stringMatching(/^whsec_/) },
  })
  expect(await run(publish)).toMatchObject({ eventPublish: { deliveryCount: 1 } })
  expect((await receiver.next()).url).toBe('/inbox/first')
  expect(await run(readLog)).toMatchObject({
    deliveries: {
      nodes: [{ eventType: 'evaluation.completed', endpoint: { url: expect.any(String) } }],
    },
  })
})
