import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'

test('creates a workspace', async () => {
  await using bundle = await openBundle()
  const input = { name: 'Acme', externalId: 'acme-1', wireFormat: 'GITHUB' }
  const fields = 'workspace { id name externalId wireFormat createdAt }'

  const created = await bundle.operator.mutate('workspaceCreate', input, fields)

  expect(created).toMatchObject({ __typename: 'WorkspaceCreateSuccess', workspace: input })
  expect(created.workspace.id).toMatch(/^ws_[0-9a-hjkmnp-tv-z]{26}$/)
  const found = await bundle.operator.ask('query ($id: ID!) { node(id: $id) { id __typename } }', {
    id: created.workspace.id,
  })
  expect(found.node).toEqual({ id: created.workspace.id, __typename: 'Workspace' })
})
