import type { Queryable } from '../db.ts'

/** Of what events are matched with. A version that is the same means that nothing changed. */
export type SubscriptionVersions = {
  /** By workspace; a workspace that does not exist is missing. */
  readonly workspaces: ReadonlyMap<string, string>
  readonly catalogue: string
}

/** Read where what is remembered of them is missing, does not hold, or refuses an event. */
export async function readVersions(
  db: Queryable,
  workspaceIds: readonly string[],
): Promise<SubscriptionVersions> {
  const { rows } = await db.query<{ id: string | null; version: string; catalogue: string }>({
    name: 'readVersions',
    text: `/* readVersions */
      select workspace.id, workspace.subscriptions_version as version,
        catalogue.version as catalogue
      from catalogue left join workspace
        on workspace.id = any($1::uuid[]) and workspace.deleted_at is null`,
    values: [workspaceIds],
  })
  const found = rows.flatMap(({ id, version }) => (id === null ? [] : [[id, version] as const]))
  return { workspaces: new Map(found), catalogue: rows[0]?.catalogue ?? '' }
}

/** An endpoint, and what of its workspace it is to get. */
export type SubscriptionRow = {
  readonly workspaceId: string
  readonly endpointId: string
  readonly eventTypes: readonly string[]
  readonly enabled: boolean
}

/** Every endpoint of the given workspaces that is not deleted, with what it subscribes to. */
export async function readSubscriptions(
  db: Queryable,
  workspaceIds: readonly string[],
): Promise<SubscriptionRow[]> {
  const { rows } = await db.query<SubscriptionRow>({
    name: 'readSubscriptions',
    text: `/* readSubscriptions */
      select workspace_id as "workspaceId", id as "endpointId", event_types as "eventTypes",
        status = 'ENABLED' as enabled
      from endpoint
      where workspace_id = any($1::uuid[]) and deleted_at is null
      order by id`,
    values: [workspaceIds],
  })
  return rows
}

/** An event type; null as its schema: any payload will do. */
export type CatalogueRow = {
  readonly name: string
  readonly status: 'ACTIVE' | 'RESERVED' | 'DEPRECATED'
  readonly schema: object | boolean | null
}

/** The whole catalogue: it is the operator's, small, and one for all workspaces. */
export async function readCatalogue(db: Queryable): Promise<CatalogueRow[]> {
  const { rows } = await db.query<CatalogueRow>({
    name: 'readCatalogue',
    text: '/* readCatalogue */ select name, status, schema from event_type',
  })
  return rows
}
