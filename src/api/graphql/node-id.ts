import type { IdPrefix } from '../../rules/id.ts'

/** The type of what an id names, by the id's prefix: the one decoder of `node` and `nodes`. */
const typeNames: Record<IdPrefix, string> = {
  ws: 'Workspace',
  key: 'ApiKey',
  evtype: 'EventType',
  wh: 'Endpoint',
  evt: 'Event',
  dlv: 'Delivery',
  att: 'DeliveryAttempt',
  rpl: 'Replay',
  aud: 'AuditLogEntry',
}

/**
 * A text that is no id of ours is read as a workspace's: it names none, and so the answer is null
 * as for any id that does not exist. The id stays whole; the type's loader reads it.
 */
export function decodeNodeId(text: string): { typename: string; id: string } {
  const prefix = text.slice(0, Math.max(0, text.indexOf('_')))
  const known = Object.entries(typeNames).find(([name]) => name === prefix)
  return { typename: known?.[1] ?? 'Workspace', id: text }
}
