import { publicId, readPublicId, uuidOf } from '../../../src/rules/id.ts'
import type { Bundle } from '../bundle.ts'
import type { Client } from '../client.ts'
import { addEndpoint } from '../endpoints.ts'
import { logRows } from '../log-rows.ts'
import { startReplay } from '../replays.ts'

/** A workspace with one of everything, and the names and ids of all of it. */
export type World = {
  readonly client: Client
  readonly key: string
  readonly workspace: string
  /** By type. */
  readonly ids: Readonly<Record<string, string>>
  /** Stands in every text of this workspace that a person chose. */
  readonly mark: string
}

/** What `fillWorld` publishes. */
export const worldEventType = 'invoice.paid'

let worlds = 0

/** Adds a workspace and fills it. */
export async function fillWorld(bundle: Bundle): Promise<World> {
  const mark = `mark-${(worlds += 1)}-of-the-wall`
  const { operator } = bundle
  const made = await operator.mutate(
    'workspaceCreate',
    { name: mark, externalId: mark },
    'workspace { id }',
  )
  const workspaceId: string = made.workspace.id
  const { apiKey, key } = await operator.mutate(
    'apiKeyCreate',
    { workspaceId, name: mark, scopes: ['MANAGE', 'PUBLISH'] },
    'key apiKey { id }',
  )
  const client = bundle.clientOf(key)
  const { id: Endpoint } = await addEndpoint(client, {
    url: `https://${mark}.example.com/`,
    externalId: mark,
    description: mark,
    metadata: { mark },
  })
  const log = await fillLog(bundle, { client, workspaceId, endpointId: Endpoint, mark })
  const { auditLog } = await client.ask('{ auditLog(first: 1) { nodes { id } } }')
  const AuditLogEntry: string = auditLog.nodes[0].id
  const { id: Replay } = await startReplay(client, { endpointId: Endpoint, statuses: ['FAILED'] })
  const own = { ApiKey: apiKey.id, Endpoint, AuditLogEntry, Replay }
  const ids = { Workspace: workspaceId, ...own, ...log }
  return { client, key, mark, ids, workspace: uuidOf('ws', workspaceId) ?? '' }
}

type LogWish = {
  readonly client: Client
  readonly workspaceId: string
  readonly endpointId: string
  readonly mark: string
}

async function fillLog(bundle: Bundle, { client, workspaceId, endpointId, mark }: LogWish) {
  const payloadText = JSON.stringify({ mark })
  const input = { eventType: worldEventType, payloadText, idempotencyKey: mark }
  await client.mutate('eventPublish', input)
  const rows = logRows(bundle.database)
  const [row] = await rows.publish({
    ...{
      workspaceId: uuidOf('ws', workspaceId) ?? '',
      endpointIds: [uuidOf('wh', endpointId) ?? ''],
    },
    ...{ payloadText, idempotencyKey: `${mark}-log` },
  })
  if (!row) throw new Error('Nothing was published.')
  await rows.attempt(row, {
    result: 'HTTP_ERROR',
    statusCode: 500,
    responseBody: Buffer.from(mark),
  })
  const Delivery = publicId('dlv', row.deliveryId)
  const query = 'query ($id: ID!) { delivery(id: $id) { attempts { id } } }'
  const { delivery } = await client.ask(query, { id: Delivery })
  const [attempt] = delivery.attempts
  return { Event: publicId('evt', row.event.eventId), Delivery, DeliveryAttempt: attempt.id }
}

/** An id of the same kind and time that nobody has. */
export function nobodyLike(id: string): string {
  const read = readPublicId(id)
  if (!read) throw new Error(`${id} is no id.`)
  const { prefix, uuid } = read
  const start = uuid.slice(24, 30) === 'abcdef' ? 'fedcba' : 'abcdef'
  return publicId(prefix, `${uuid.slice(0, 24)}${start}${uuid.slice(30)}`)
}

/**
 * All rows of one workspace, table by table: equal where nothing was changed. When a key was last
 * used and how often are left out, as they are written later.
 */
export async function rowsOf({ database: { pool } }: Bundle, workspace: string): Promise<string> {
  const { rows: tables } = await pool.query<{ name: string; key: string }>(
    `select c.relname as name, a.attname as key
    from pg_class c
      join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace
      and not c.relispartition
      and c.relkind in ('r', 'p')
      and c.relname <> 'api_request_count'
      and (a.attname = 'workspace_id' or (c.relname = 'workspace' and a.attname = 'id'))
    order by 1`,
  )
  const digests = tables.map(({ name, key }) => {
    return `select '${name}' as name, count(*) as count,
      md5(string_agg(r::text, ' ' order by r::text)) as digest
      from (
        select to_jsonb(t) - 'last_used_at' as r from ${name} t where ${key} = '${workspace}'
      ) rows`
  })
  const { rows } = await pool.query(`${digests.join(' union all ')} order by name`)
  return JSON.stringify(rows)
}
