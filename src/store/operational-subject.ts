import type { Queryable } from '../db.ts'
import type { Subject } from '../rules/operational-event.ts'

/** Endpoints to report on, in no order: deleted ones too, but none of a deleted workspace. */
export async function readSubjects(
  db: Queryable,
  keys: readonly { readonly workspaceId: string; readonly endpointId: string }[],
): Promise<Subject[]> {
  const { rows } = await db.query<Subject>({
    name: 'readSubjects',
    text: `/* readSubjects */
      select endpoint.workspace_id as "workspaceId", endpoint.id as "endpointId",
        workspace.external_id as "workspaceExternalId",
        endpoint.external_id as "endpointExternalId", endpoint.url
      from unnest($1::uuid[], $2::uuid[]) as asked (workspace_id, endpoint_id)
      join endpoint
        on endpoint.id = asked.endpoint_id and endpoint.workspace_id = asked.workspace_id
      join workspace
        on workspace.id = endpoint.workspace_id and workspace.deleted_at is null`,
    values: [keys.map(({ workspaceId }) => workspaceId), keys.map(({ endpointId }) => endpointId)],
  })
  return rows
}
