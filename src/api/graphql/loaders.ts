import type { EntityManager } from '@mikro-orm/postgresql'
import DataLoader from 'dataloader'
import type { Database } from '../../db.ts'
import type { TenantKey } from '../../store/endpoint.ts'
import { findApiKeys } from '../../store/api-key.ts'
import { findAuditEntries } from '../../store/audit-entry.ts'
import { findEndpointOwners, findEndpoints } from '../../store/endpoint.ts'
import { countDueByEndpoint, findEndpointHealth } from '../../store/endpoint-health.ts'
import { findEventTypes } from '../../store/event-type.ts'
import { findReplayOwners, findReplays } from '../../store/replay.ts'
import { findWorkspaces } from '../../store/workspace.ts'
import { readsOf } from '../../store/reads.ts'
import type { Caller } from '../caller.ts'
import type { Services } from '../services.ts'
import { newLogLoaders } from './log-loaders.ts'

/** Rows by id, each statement once for all that a request asks for. They live for one request. */
export type Loaders = ReturnType<typeof newLoaders>

/** New loaders, behind the caller's tenant wall. */
export function newLoaders(services: Services, caller: Caller) {
  const { database } = services
  const own = caller.workspaceId
  return {
    ...newLogLoaders(readsOf(database)),
    workspace: byId(database, (em, ids) => findWorkspaces(em, own === null ? ids : only(ids, own))),
    apiKey: byId(database, (em, ids) => findApiKeys(em, ids, own)),
    auditEntry: byId(database, (em, ids) => findAuditEntries(em, ids, own)),
    eventType: byId(database, findEventTypes),
    endpoint: byTenantKey(database, findEndpoints),
    endpointHealth: byTenantKey(database, async (em, keys) => {
      const rows = await findEndpointHealth(em, keys)
      return rows.map((row) => ({ ...row, id: row.endpointId }))
    }),
    /** The workspace of an endpoint, for the operator. */
    endpointOwner: byId(database, findEndpointOwners),
    replay: byTenantKey(database, findReplays),
    /** The workspace of a replay, for the operator. */
    replayOwner: byId(database, findReplayOwners),
    /** Deliveries that wait, by endpoint. */
    due: byTenantKey(database, countDueByEndpoint),
  }
}

function byId<Row extends { readonly id: string }>(
  database: Database,
  find: (em: EntityManager, ids: readonly string[]) => Promise<readonly Row[]>,
): DataLoader<string, Row | null> {
  return new DataLoader(async (ids) => {
    const rows = await find(database.orm.em.fork(), ids)
    const rowOf = new Map(rows.map((row) => [row.id, row]))
    return ids.map((id) => rowOf.get(id) ?? null)
  })
}

function byTenantKey<Row extends TenantKey>(
  database: Database,
  find: (em: EntityManager, keys: readonly TenantKey[]) => Promise<readonly Row[]>,
): DataLoader<TenantKey, Row | null, string> {
  const textOf = ({ workspaceId, id }: TenantKey) => `${workspaceId} ${id}`
  return new DataLoader(
    async (keys) => {
      const rows = await find(database.orm.em.fork(), keys)
      const rowOf = new Map(rows.map((row) => [textOf(row), row]))
      return keys.map((key) => rowOf.get(textOf(key)) ?? null)
    },
    { cacheKeyFn: textOf },
  )
}

function only(ids: readonly string[], own: string): string[] {
  return ids.filter((id) => id === own)
}
