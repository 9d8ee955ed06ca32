import { createWorkspace, updateWorkspace } from '../../control/workspaces.ts'
import { invalidInput, notFound } from '../../errors.ts'
import type { Workspace } from '../../model/workspace.ts'
import { publicId, uuidOf } from '../../rules/id.ts'
import {
  countWorkspaces,
  findWorkspaceByExternalId,
  listWorkspaces,
} from '../../store/workspace.ts'
import { builder } from './builder.ts'
import { loadConnection } from './connection.ts'
import { countedConnectionType } from './connection-type.ts'
import type { Context } from './context.ts'
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
  // Every key may know whose it is.
  authScopes: { $any: { read: true, publish: true } },
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

const WorkspaceConnection = countedConnectionType({
  node: WorkspaceRef,
  name: 'Workspace',
  many: 'workspaces',
})

builder.queryFields((t) => ({
  workspace: t.field({
    type: WorkspaceRef,
    nullable: true,
    authScopes: { $any: { read: true, publish: true } },
    description: 'One workspace, by one of its two ids.',
    args: {
      id: t.arg.id({ description: 'Its id.' }),
      externalId: t.arg.string({ description: "The operator's own id of it." }),
    },
    resolve: (_root, args, context) => findWorkspace(args, context),
  }),
  workspaces: t.field({
    type: WorkspaceConnection,
    authScopes: { operator: true },
    description: 'All workspaces.',
    args: t.arg.connectionArgs(),
    resolve: async (_root, args, { services: { database, cursors } }) => {
      const em = database.orm.em.fork()
      const request = { args, cursors, scope: { list: 'workspaces', workspaceId: null } }
      const page = await loadConnection(request, (slice) => listWorkspaces(em, slice))
      return { ...page, countAll: () => countWorkspaces(em) }
    },
  }),
}))

type Named = {
  readonly id?: string | null | undefined
  readonly externalId?: string | null | undefined
}

/** Another's workspace is null like one that does not exist, whichever id it is asked by. */
async function findWorkspace({ id, externalId }: Named, context: Context) {
  const isGiven = (text: string | null | undefined) => text !== null && text !== undefined
  if (isGiven(id) === isGiven(externalId)) {
    throw invalidInput([{ path: ['id'], message: 'give exactly one of "id" and "externalId".' }])
  }
  const { caller, loaders, services } = context
  if (isGiven(id)) {
    const uuid = uuidOf('ws', id ?? '')
    return uuid === undefined ? null : loaders.workspace.load(uuid)
  }
  const em = services.database.orm.em.fork()
  const found = await findWorkspaceByExternalId(em, externalId ?? '')
  return caller.workspaceId === null || found?.id === caller.workspaceId ? found : null
}

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

const WorkspaceCreateSuccess = builder.objectRef<Success>('WorkspaceCreateSuccess').implement({
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

const WorkspaceUpdateInput = builder.inputType('WorkspaceUpdateInput', {
  description: 'Changes of a workspace; what is left out stays as it is.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The workspace to change.' }),
    name: t.string({ description: 'For people; at most 128 characters.' }),
    wireFormat: t.field({
      type: WireFormatEnum,
      description: 'The default of endpoints to come; those that exist keep theirs.',
    }),
  }),
})

const WorkspaceUpdateSuccess = builder.objectRef<Success>('WorkspaceUpdateSuccess').implement({
  description: 'The workspace was changed.',
  fields: (t) => ({
    workspace: t.expose('workspace', { type: WorkspaceRef, description: 'As it is now.' }),
  }),
})

addMutation({
  name: 'workspaceUpdate',
  description: 'Changes a workspace.',
  scope: 'operator',
  input: WorkspaceUpdateInput,
  success: WorkspaceUpdateSuccess,
  errors: [ValidationError, NotFoundError],
  resolve: async ({ id, ...changes }, { services }) => {
    const uuid = uuidOf('ws', id)
    if (uuid === undefined) throw notFound('Workspace')
    return { workspace: await updateWorkspace(services, uuid, changes) }
  },
})
