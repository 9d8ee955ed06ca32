import { expect, test } from 'vitest'
import { publicId } from '../../src/rules/id.ts'
import { operatorWorkspaceId } from '../../src/rules/operational-event.ts'
import { openBundle } from '../support/bundle.ts'

const fields = 'workspace { id name externalId wireFormat createdAt }'

test('creates a workspace that is found by both its ids', async () => {
  await using bundle = await openBundle()
  const input = { name: 'Acme', externalId: 'acme-1', wireFormat: 'GITHUB' }

  const created = await bundle.operator.mutate('workspaceCreate', input, fields)

  expect(created).toMatchObject({ __typename: 'WorkspaceCreateSuccess', workspace: input })
  expect(created.workspace.id).toMatch(/^ws_[0-9a-hjkmnp-tv-z]{26}$/)
  const found = await bundle.operator.ask(
    `query ($id: ID!) {
      node(id: $id) { id __typename }
      byId: workspace(id: $id) { name }
      byExternalId: workspace(externalId: "acme-1") { id }
    }`,
    { id: created.workspace.id },
  )
  expect(found).toEqual({
    node: { id: created.workspace.id, __typename: 'Workspace' },
    byId: { name: 'Acme' },
    byExternalId: { id: created.workspace.id },
  })
})

test('a new workspace speaks Standard Webhooks unless told otherwise', async () => {
  await using bundle = await openBundle()

  const left = await bundle.operator.mutate('workspaceCreate', { name: 'a' }, fields)
  const nulled = { name: 'b', wireFormat: null, externalId: null }
  const cleared = await bundle.operator.mutate('workspaceCreate', nulled, fields)

  expect(left.workspace).toMatchObject({ wireFormat: 'STANDARD_WEBHOOKS', externalId: null })
  expect(cleared.workspace).toMatchObject({ wireFormat: 'STANDARD_WEBHOOKS', externalId: null })
})

test('an external id belongs to one workspace', async () => {
  await using bundle = await openBundle()
  const input = { name: 'Acme', externalId: 'acme-1' }
  await bundle.operator.mutate('workspaceCreate', input)

  const second = await bundle.operator.mutate('workspaceCreate', input)

  expect(second).toEqual({
    __typename: 'ConflictError',
    code: 'CONFLICT',
    message: 'externalId: another workspace has "acme-1".',
  })
})

test('every wrong field is named at once', async () => {
  await using bundle = await openBundle()
  const input = { name: 'x'.repeat(129), externalId: '\0' }

  const refused = await bundle.operator.mutate('workspaceCreate', input)

  expect(refused).toEqual({
    __typename: 'ValidationError',
    code: 'INVALID_INPUT',
    message: 'name: 129 characters, limit 128.',
    issues: [
      { path: ['name'], message: '129 characters, limit 128.' },
      { path: ['externalId'], message: 'contains a NUL character.' },
    ],
  })
})

test('an update changes what is given and keeps the rest', async () => {
  await using bundle = await openBundle()
  const { workspaceId: id } = await bundle.newTenant({ name: 'Acme' })

  const renamed = await bundle.operator.mutate('workspaceUpdate', { id, name: 'New' }, fields)

  expect(renamed.workspace).toMatchObject({ id, name: 'New', wireFormat: 'STANDARD_WEBHOOKS' })
})

test.each([
  [{}, { path: [], message: 'Nothing to update.' }],
  [{ name: null }, { path: ['name'], message: 'must not be null.' }],
  [{ name: '  ' }, { path: ['name'], message: 'must not be blank.' }],
])('refuses the update %j', async (changes, issue) => {
  await using bundle = await openBundle()
  const { workspaceId: id } = await bundle.newTenant()

  const refused = await bundle.operator.mutate('workspaceUpdate', { id, ...changes })

  expect(refused).toMatchObject({ __typename: 'ValidationError', issues: [issue] })
})

test('an unknown workspace is not found, whatever its id looks like', async () => {
  await using bundle = await openBundle()
  const { workspaceId } = await bundle.newTenant()
  const ids = [
    'ws_01h455vb4pex5vsknk084sn02q',
    workspaceId.toUpperCase(),
    workspaceId.replace('ws_', 'wh_'),
    'x',
    '',
  ]

  for (const id of ids) {
    const refused = await bundle.operator.mutate('workspaceUpdate', { id, name: 'x' })
    const query = 'query ($id: ID!) { workspace(id: $id) { id } }'
    const found = await bundle.operator.ask(query, { id })
    expect(refused).toEqual({
      __typename: 'NotFoundError',
      code: 'NOT_FOUND',
      message: 'Workspace not found.',
    })
    expect(found.workspace).toBe(null)
  }
})

test('workspace takes exactly one id', async () => {
  await using bundle = await openBundle()

  const none = await bundle.operator.send('{ workspace { id } }')
  const both = await bundle.operator.send('{ workspace(id: "a", externalId: "b") { id } }')

  for (const reply of [none, both]) {
    expect(reply.errors).toMatchObject([
      {
        message: 'id: give exactly one of "id" and "externalId".',
        extensions: { code: 'BAD_USER_INPUT', field: 'id' },
      },
    ])
  }
})

test('lists workspaces newest first, page by page', async () => {
  await using bundle = await openBundle()
  const ids: string[] = []
  for (const name of ['a', 'b', 'c']) ids.push((await bundle.newTenant({ name })).workspaceId)
  const query = `query ($after: String) {
    workspaces(first: 2, after: $after) {
      totalCount nodes { id } edges { cursor node { id } }
      pageInfo { hasNextPage hasPreviousPage endCursor }
    }
  }`

  const { workspaces: first } = await bundle.operator.ask(query)
  const after = first.pageInfo.endCursor
  const { workspaces: second } = await bundle.operator.ask(query, { after })

  expect(first.totalCount).toBe(4) // with the operator's own
  expect(first.nodes.map(({ id }: { id: string }) => id)).toEqual([ids[2], ids[1]])
  expect(first.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false })
  const found = second.edges.map(({ node }: { node: { id: string } }) => node.id)
  expect(found).toEqual([ids[0], publicId('ws', operatorWorkspaceId)])
  expect(second.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true })
})
