import { newUuid } from '../rules/id.ts'
import type { News } from '../rules/operational-event.ts'
import { disableEndpoint, type EndpointDisabling } from '../store/endpoint-disable.ts'
import type { Tell } from './tell.ts'

/**
 * Disables an endpoint for what its receiver did, and tells the operator. False: it was changed or
 * deleted meanwhile.
 */
export function disableAndTell(
  tell: Tell,
  wish: Omit<EndpointDisabling, 'auditEntryId'>,
): Promise<boolean> {
  const { workspaceId, endpointId, reason, at } = wish
  const auditEntryId = newUuid(at.getTime())
  const news: News = { kind: 'endpoint.disabled', workspaceId, endpointId, reason, at }
  return tell([news], async (db) => {
    const result = await disableEndpoint(db, { ...wish, auditEntryId })
    return { result, news: result ? [news] : [] }
  })
}
