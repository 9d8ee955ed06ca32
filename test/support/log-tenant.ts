import { publicId, uuidOf } from '../../src/rules/id.ts'
import type { DeliveryRow } from '../../src/store/publication.ts'
import type { Bundle, Tenant } from './bundle.ts'
import { logRows, type PublishedRows } from './log-rows.ts'

/** A workspace whose log a test writes by hand, in the API's own ids. */
export async function newLogTenant(bundle: Bundle): Promise<LogTenant> {
  const tenant = await bundle.newTenant()
  const workspace = uuidOf('ws', tenant.workspaceId) ?? ''
  const rows = logRows(bundle.database)
  const endpoint = await rows.addEndpoint(workspace)
  return {
    ...tenant,
    workspace,
    endpoint,
    rows,
    deliver: async (wanted = {}) => {
      const base = { workspaceId: workspace, endpointIds: [endpoint] }
      const [delivery] = await rows.publish({ ...base, ...wanted })
      if (!delivery) throw new Error('Nothing was published.')
      return delivery
    },
  }
}

/** See {@link newLogTenant}; `workspace` and `endpoint` are UUIDs of the database. */
export type LogTenant = Tenant & {
  readonly workspace: string
  readonly endpoint: string
  readonly rows: ReturnType<typeof logRows>
  /** Publishes one event to one endpoint. */
  readonly deliver: (wanted?: Partial<PublishedRows>) => Promise<DeliveryRow>
}

/** The public id of a delivery. */
export const idOf = ({ deliveryId }: DeliveryRow) => publicId('dlv', deliveryId)
