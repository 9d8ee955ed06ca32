import type { Queryable } from '../db.ts'

/** A wish to disable an endpoint, for a reason that the program found. */
export type EndpointDisabling = {
  readonly endpointId: string
  readonly workspaceId: string
  /** What the program itself disables for; people disable for MANUAL. */
  readonly reason: 'GONE' | 'FAILING'
  readonly at: Date
  /** Of its entry in the audit log. */
  readonly auditEntryId: string
  /** The endpoint as it was when it gave the reason: a changed one has another chance. */
  readonly version: string
}

/**
 * Disables an endpoint that is enabled, and notes it. From here on its events are suppressed: the
 * workspace's version is raised in the same transaction. False: it was changed or deleted since.
 */
export async function disableEndpoint(db: Queryable, wish: EndpointDisabling): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'disableEndpoint',
    text: `/* disableEndpoint */
      with disabled as (
        update endpoint set status = 'DISABLED', disabled_reason = $3, disabled_at = $4,
          updated_at = $4, version = version + 1
        where id = $1 and workspace_id = $2 and status = 'ENABLED' and deleted_at is null
          and version = $5
        returning id, workspace_id
      ), noted as (
        insert into audit_entry (id, workspace_id, action, target_id, actor, before, after)
        select $6, workspace_id, 'ENDPOINT_DISABLED', id, 'SYSTEM',
          json_build_object('status', 'ENABLED', 'disabledReason', null),
          json_build_object('status', 'DISABLED', 'disabledReason', $3)
        from disabled
      )
      update workspace set subscriptions_version = subscriptions_version + 1
      from disabled where workspace.id = disabled.workspace_id`,
    values: [
      ...[wish.endpointId, wish.workspaceId, wish.reason, wish.at.toISOString(), wish.version],
      wish.auditEntryId,
    ],
  })
  return rowCount === 1
}

/** An enabled endpoint, as disabling it needs it. */
export type FailingEndpoint = Pick<EndpointDisabling, 'endpointId' | 'workspaceId' | 'version'>

/**
 * Enabled endpoints that have failed since before `since`. A duty of the whole system, so it names
 * no workspace. Endpoints that fail are few; the index holds them alone.
 */
export async function findFailingEndpoints(db: Queryable, since: Date): Promise<FailingEndpoint[]> {
  const { rows } = await db.query<FailingEndpoint>({
    name: 'findFailingEndpoints',
    text: `/* findFailingEndpoints */
      select endpoint.id as "endpointId", endpoint.workspace_id as "workspaceId", endpoint.version
      from endpoint_health health
      join endpoint
        on endpoint.id = health.endpoint_id and endpoint.workspace_id = health.workspace_id
      where health.failing_since <= $1 and endpoint.status = 'ENABLED'
        and endpoint.deleted_at is null`,
    values: [since.toISOString()],
  })
  return rows
}
