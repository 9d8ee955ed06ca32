import { createWorkspace, updateWorkspace } from '../../control/workspaces.ts'
import { notFound } from '../../errors.ts'
import type { Workspace } from '../../model/workspace.ts'
import { publicId, uuidOf } from '../../rules/id.ts'
import { builder } from './builder.ts'
import { ConflictError, NotFoundError, ValidationError } from './errors.ts'
import { addMutation } from './mutation.ts'
import { WorkspaceRef } from './refs.ts'
import { WireFormatEnum } from './wire-format.ts'

builder.node(WorkspaceRef, {
  id: { resolve: ({ id }) => publicId('ws', id) },
  loadOne: (id, { loaders }) => {
    const uuid = uuidOf('ws', id)
    return uuid === undefined ? null : loaders.workspace.load(uuid)
  },
  authScopes: { read: true },
  description: 'One customer of the platform, with everything of theirs behind one wall.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'For people. Need not be unique.' }),
    externalId: t.exposeString('externalId', {
      nullable: true,
      description: "The operator's own id of this tenant; unique, and never changes.",
    }),
    wireFormat: t.expose('wireFormat', {
      type: WireFormatEnum,
      description: 'What its new endpoints speak unless they say otherwise.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
  }),
})

const WorkspaceCreateInput = builder.inputType('WorkspaceCreateInput', {
  description: 'A new workspace.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'For people; at most 128 characters.' }),
    externalId: t.string({ description: "The operator's own id of this tenant; unique." }),
    wireFormat: t.field({
      type: WireFormatEnum,
      defaultValue: 'STANDARD_WEBHOOKS',
      description: 'The default of its endpoints.',
    }),
  }),
})

type Success = { readonly workspace: Workspace }

const WorkspaceCreateSuccess = builder
  .objectRef<Success>('WorkspaceCreateSuccess')
  .implement({
    description: 'The workspace was created.',
    fields: (t) => ({
      workspace: t.expose('workspace', { type: WorkspaceRef, description: 'As created.' }),
    }),
  })

addMutation({
  name: 'workspaceCreate',
  description: 'Adds a workspace for one customer of the platform.',
  scope: 'operator',
  input: WorkspaceCreateInput,
  success: WorkspaceCreateSuccess,
  errors: [ValidationError, ConflictError],
  resolve: async (input, { services }) => ({
    workspace: await createWorkspace(services, input),
  }),
})
