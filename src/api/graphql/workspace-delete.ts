import { deleteWorkspace } from '../../control/workspace-deletion.ts'
import { notFound } from '../../errors.ts'
import { uuidOf } from '../../rules/id.ts'
import { builder } from './builder.ts'
import { InvalidStateError, NotFoundError } from './errors.ts'
import { addMutation } from './mutation.ts'

const WorkspaceDeleteInput = builder.inputType('WorkspaceDeleteInput', {
  description: 'Which workspace to delete.',
  fields: (t) => ({ id: t.id({ required: true, description: 'The workspace.' }) }),
})

const WorkspaceDeleteSuccess = builder
  .objectRef<{ readonly deletedWorkspaceId: string }>('WorkspaceDeleteSuccess')
  .implement({
    description: 'The workspace is gone.',
    fields: (t) => ({
      deletedWorkspaceId: t.exposeID('deletedWorkspaceId', { description: 'The id it had.' }),
    }),
  })

addMutation({
  name: 'workspaceDelete',
  description:
    'Deletes a workspace and everything in it for good: endpoints, keys, events, deliveries. ' +
    'Nothing that waits is sent any more, and its keys are refused everywhere within 5 seconds. ' +
    'Its rows are erased in the background, in minutes to hours by their number; of its audit ' +
    'log only who did what and when is kept. Deleting it again changes nothing.',
  scope: 'operator',
  input: WorkspaceDeleteInput,
  success: WorkspaceDeleteSuccess,
  errors: [NotFoundError, InvalidStateError],
  resolve: async ({ id }, { services }) => {
    const uuid = uuidOf('ws', id)
    if (uuid === undefined) throw notFound('Workspace')
    await deleteWorkspace(services, uuid)
    return { deletedWorkspaceId: id }
  },
})
