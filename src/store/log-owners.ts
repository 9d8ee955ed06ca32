import type { Read } from './reads.ts'
import { boundsOf } from './slice.ts'

/** A row of the log and the workspace it belongs to. */
export type LogOwner = { readonly id: string; readonly workspaceId: string }

/**
 * The workspaces of deliveries, for a caller who is in none: the operator alone. Every other
 * statement on the log names its workspace; these two are how an operator finds it.
 */
export function findDeliveryOwners(read: Read, ids: readonly string[]): Promise<LogOwner[]> {
  return read({
    text: `/* findDeliveryOwners */
      select delivery.id, workspace_id as "workspaceId" from delivery
      join workspace on workspace.id = workspace_id and workspace.deleted_at is null
      where delivery.id = any($1::uuid[]) and delivery.id between $2 and $3`,
    values: [ids, ...boundsOf(ids)],
  })
}

/** The same for events. */
export function findEventOwners(read: Read, ids: readonly string[]): Promise<LogOwner[]> {
  return read({
    text: `/* findEventOwners */
      select event.id, workspace_id as "workspaceId" from event
      join workspace on workspace.id = workspace_id and workspace.deleted_at is null
      where event.id = any($1::uuid[]) and event.id between $2 and $3`,
    values: [ids, ...boundsOf(ids)],
  })
}
