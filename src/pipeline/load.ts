import { publicId } from '../rules/id.ts'
import type { Clock } from '../clock.ts'
import type { Pool } from '../db.ts'
import { dueHorizonMs, loadFlushesMax, loadLanesMax } from '../limits.ts'
import type { Log } from '../log.ts'
import { unknownHealth, type Health } from '../rules/circuit.ts'
import { prepareSigner, type Secret, type Signer } from '../rules/signature.ts'
import { headersContext, secretContext, type Sealer } from '../seal.ts'
import { loadDue, type DueDelivery, type PageWish } from '../store/due.ts'
import { readLaneEndpoints, type LaneEndpointRow } from '../store/lane-endpoint.ts'
import { Batcher } from './batcher.ts'
import type { LaneEndpoint } from './stages.ts'

export type LoadContext = {
  readonly pool: Pool
  readonly clock: Clock
  readonly sealer: Sealer
  readonly log: Log
}

export type LoadPage = (wish: PageWish) => Promise<readonly DueDelivery[]>

/** Lanes that want a page while another read is under way share the next statement. */
export function createPageLoader({ pool, clock }: LoadContext): LoadPage {
  const batcher = new Batcher<PageWish, readonly DueDelivery[]>({
    flush: async (wishes) => {
      const until = new Date(clock.now().getTime() + dueHorizonMs)
      const rows = await loadDue(pool, wishes, until)
      const pages = Map.groupBy(rows, (row) => row.endpointId)
      return wishes.map((wish) => pages.get(wish.endpointId) ?? [])
    },
    itemsMax: loadLanesMax,
    flushesMax: loadFlushesMax,
  })
  return (wish) => batcher.add(wish)
}

export type LoadEndpoint = (endpointId: string) => Promise<LaneEndpoint | undefined>

/** Endpoints with their secrets opened, many in one statement; undefined: there is none. */
export function createEndpointLoader(context: LoadContext): LoadEndpoint {
  const batcher = new Batcher<string, LaneEndpoint | undefined>({
    flush: async (endpointIds) => {
      const rows = await readLaneEndpoints(context.pool, endpointIds)
      const byId = new Map(rows.map((row) => [row.endpointId, row]))
      return endpointIds.map((id) => {
        const row = byId.get(id)
        return row && openEndpoint(context, row)
      })
    },
    itemsMax: loadLanesMax,
    flushesMax: loadFlushesMax,
  })
  return (endpointId) => batcher.add(endpointId)
}

function openEndpoint(context: LoadContext, row: LaneEndpointRow): LaneEndpoint {
  const { endpointId, workspaceId, version, url, wireFormat, ordered, state } = row
  return {
    ...{ endpointId, workspaceId, version, url, wireFormat, ordered, state },
    host: new URL(url).host,
    signer: openSigner(context, row),
    customHeaders: openHeaders(context, row),
    timeoutMs: row.timeoutSeconds * 1000,
    retrySchedule: row.retrySchedule,
    rateLimitPerSecond: row.rateLimitPerSecond,
    health: healthOf(row),
  }
}

/** Null where no secret can be read: the attempts then fail visibly, and nobody else is harmed. */
function openSigner({ sealer, log }: LoadContext, row: LaneEndpointRow): Signer | null {
  const secrets: Secret[] = []
  for (const [index, sealed] of row.secretsSealed.entries()) {
    const opened = sealer.open(sealed, secretContext(row.workspaceId, row.secretIds[index] ?? ''))
    if (opened.ok) {
      secrets.push({ secret: opened.text, expiresAt: row.secretsExpireAt[index] ?? null })
    } else {
      log.error(
        { endpoint: publicId('wh', row.endpointId), reason: opened.reason },
        'secret cannot be read',
      )
    }
  }
  try {
    return prepareSigner(row.wireFormat, secrets)
  } catch (error) {
    log.error({ endpoint: publicId('wh', row.endpointId), err: error }, 'secrets cannot sign')
    return null
  }
}

function openHeaders({ sealer, log }: LoadContext, row: LaneEndpointRow) {
  if (row.headersSealed === null) return []
  const opened = sealer.open(row.headersSealed, headersContext(row.workspaceId, row.endpointId))
  if (!opened.ok) {
    log.error(
      { endpoint: publicId('wh', row.endpointId), reason: opened.reason },
      'headers cannot be read',
    )
    return []
  }
  const headers = JSON.parse(opened.text) as { name: string; value: string }[]
  return headers.map(({ name, value }) => [name, value] as const)
}

function healthOf(row: LaneEndpointRow): Health {
  if (row.circuit === null) return unknownHealth
  return {
    consecutiveFailures: row.consecutiveFailures ?? 0,
    failingSince: row.failingSince,
    lastSuccessAt: row.lastSuccessAt,
    circuit: row.circuit,
    parkedUntil: row.parkedUntil,
  }
}
