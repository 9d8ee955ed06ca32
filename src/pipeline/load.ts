import type { Clock } from '../clock.ts'
import type { Pool } from '../db.ts'
import { dueHorizonMs, loadFlushesMax, loadLanesMax } from '../limits.ts'
import type { Log } from '../log.ts'
import { unknownHealth, type Health } from '../rules/circuit.ts'
import { publicId } from '../rules/id.ts'
import { prepareSigner, type Secret, type Signer } from '../rules/signature.ts'
import { headersContext, secretContext, type Sealer } from '../seal.ts'
import { loadDue, type DueDelivery, type PageRow, type PageWish } from '../store/due.ts'
import { readLaneEndpoints, type LaneEndpointRow } from '../store/lane-endpoint.ts'
import { Batcher } from './batcher.ts'
import type { LaneEndpoint } from './stages.ts'

export type LoadContext = {
  readonly pool: Pool
  readonly clock: Clock
  readonly sealer: Sealer
  readonly log: Log
}

/** The next rows of a lane. `isFull`: there are more, as far as this read could see. */
export type Page = { readonly rows: readonly DueDelivery[]; readonly isFull: boolean }

/** Reads one lane's next page. */
export type LoadPage = (wish: PageWish) => Promise<Page>

/** Lanes that want a page while another read is under way share the next statement. */
export function createPageLoader({ pool, clock }: LoadContext): LoadPage {
  const batcher = new Batcher<PageWish, Page>({
    flush: async (wishes) => {
      const until = new Date(clock.now().getTime() + dueHorizonMs)
      const rows = await loadDue(pool, wishes, until)
      const pages = Map.groupBy(rows, (row) => row.place)
      return wishes.map((wish, index) => pageOf(pages.get(index + 1) ?? [], wish))
    },
    itemsMax: loadLanesMax,
    flushesMax: loadFlushesMax,
  })
  return (wish) => batcher.add(wish)
}

function pageOf(rows: readonly PageRow[], { rowsMax }: PageWish): Page {
  const rowsFound = rows[0]?.rowsFound ?? 0
  return { rows, isFull: rowsFound === rowsMax || rows.length < rowsFound }
}

export type LoadEndpoint = (endpointId: string) => Promise<LaneEndpoint | undefined>

/**
 * Endpoints with their secrets opened, many in one statement; undefined: there is none. Each is
 * opened by itself, so that one that cannot be harms no other.
 */
export function createEndpointLoader(context: LoadContext): LoadEndpoint {
  const batcher = new Batcher<string, LaneEndpointRow | undefined>({
    flush: async (endpointIds) => {
      const rows = await readLaneEndpoints(context.pool, endpointIds)
      const byId = new Map(rows.map((row) => [row.endpointId, row]))
      return endpointIds.map((id) => byId.get(id))
    },
    itemsMax: loadLanesMax,
    flushesMax: loadFlushesMax,
  })
  return async (endpointId) => {
    const row = await batcher.add(endpointId)
    return row && openEndpoint(context, row)
  }
}

function openEndpoint(context: LoadContext, row: LaneEndpointRow): LaneEndpoint {
  const { endpointId, workspaceId, version, url, wireFormat, ordered, state } = row
  const headers = openHeaders(context, row)
  return {
    ...{ endpointId, workspaceId, version, url, wireFormat, ordered, state },
    host: new URL(url).host,
    signer: openSigner(context, row, headers),
    customHeaders: headers ?? [],
    timeoutMs: row.timeoutSeconds * 1000,
    retrySchedule: row.retrySchedule,
    rateLimitPerSecond: row.rateLimitPerSecond,
    health: healthOf(row),
  }
}

/**
 * Null where the current secret or the headers cannot be read: the attempts then fail visibly, and
 * nobody else is harmed. An old secret that cannot be read is left out. A deleted endpoint has
 * none.
 */
function openSigner(context: LoadContext, row: LaneEndpointRow, headers: Headers): Signer | null {
  if (row.state === 'DELETED' || headers === null) return null
  const secrets = row.secretsSealed.flatMap((sealed, index): Secret[] => {
    const sealContext = secretContext(row.workspaceId, row.secretIds[index] ?? '')
    const secret = openText(context, { sealed, sealContext, row, what: 'secret' })
    return secret === null ? [] : [{ secret, expiresAt: row.secretsExpireAt[index] ?? null }]
  })
  if (!secrets.some(({ expiresAt }) => expiresAt === null)) return null
  try {
    return prepareSigner(row.wireFormat, secrets)
  } catch (error) {
    const endpoint = publicId('wh', row.endpointId)
    context.log.error({ endpoint, err: error }, 'secrets cannot sign')
    return null
  }
}

type Headers = LaneEndpoint['customHeaders'] | null

/** Null: they cannot be read. A request without them is not what its owner set up. */
function openHeaders(context: LoadContext, row: LaneEndpointRow): Headers {
  const { headersSealed: sealed, workspaceId, endpointId } = row
  if (sealed === null) return []
  const sealContext = headersContext(workspaceId, endpointId)
  const text = openText(context, { sealed, sealContext, row, what: 'headers' })
  if (text === null) return null
  const headers = JSON.parse(text) as { name: string; value: string }[]
  return headers.map(({ name, value }) => [name, value] as const)
}

type Sealed = { sealed: Buffer; sealContext: string; row: LaneEndpointRow; what: string }

function openText({ sealer, log }: LoadContext, { sealed, sealContext, row, what }: Sealed) {
  const opened = sealer.open(sealed, sealContext)
  if (opened.ok) return opened.text
  const endpoint = publicId('wh', row.endpointId)
  log.error({ endpoint, what, reason: opened.reason }, 'sealed text cannot be read')
  return null
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
