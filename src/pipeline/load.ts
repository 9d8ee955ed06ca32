import type { Clock } from '../clock.ts'
import type { Pool } from '../db.ts'
import { dueHorizonMs, loadBytesMax, loadLanesMax } from '../limits.ts'
import type { Log } from '../log.ts'
import { unknownHealth, type Health } from '../rules/circuit.ts'
import { publicId } from '../rules/id.ts'
import { prepareSigner, type Secret, type Signer } from '../rules/signature.ts'
import { headersContext, secretContext, type Sealer } from '../seal.ts'
import {
  loadDue,
  readDueEvents,
  type DueDelivery,
  type DueEvent,
  type DueRow,
  type DueWish,
} from '../store/due.ts'
import { readLaneEndpoints, type LaneEndpointRow } from '../store/lane-endpoint.ts'
import { Batcher } from './batcher.ts'
import type { LaneEndpoint } from './stages.ts'

/** What reading work and endpoints needs. */
export type LoadContext = {
  readonly pool: Pool
  readonly clock: Clock
  readonly sealer: Sealer
  readonly log: Log
}

/** One lane's wish for its next page. */
export type PageWish = DueWish & {
  /** A page ends with the row whose payload passes this. */
  readonly payloadBytesMax: number
  /** The lane has nothing to do until it has its page. */
  readonly isIdle: boolean
}

/** The next rows of a lane. `isFull`: there are more, as far as this read could see. */
export type Page = { readonly rows: readonly DueDelivery[]; readonly isFull: boolean }

/** Reads one lane's next page. */
export type LoadPage = (wish: PageWish) => Promise<Page>

/**
 * Lanes that want a page while another read is under way share the next one. Rows and events are
 * read apart: joined, an event of a hundred endpoints was read and sent a hundred times over, a
 * third of the database's work for a delivery.
 */
export function createPageLoader({ pool, clock }: LoadContext): LoadPage {
  const newBatcher = () => new Batcher<PageWish, Page>({ flush, itemsMax: loadLanesMax })
  // Apart, so that who waits for one row does not wait for the thousands of others.
  const [ofIdle, ofBusy] = [newBatcher(), newBatcher()]
  return (wish) => (wish.isIdle ? ofIdle : ofBusy).add(wish)

  async function flush(wishes: readonly PageWish[]): Promise<Page[]> {
    const until = new Date(clock.now().getTime() + dueHorizonMs)
    const found = Map.groupBy(await loadDue(pool, wishes, until), (row) => row.place)
    const pages = wishes.map((_wish, index) => found.get(index + 1) ?? [])
    const wishedBytes = wishes.reduce((sum, wish) => sum + wish.payloadBytesMax, 0)
    const bytesMax = Math.min(wishedBytes, loadBytesMax)
    const events = await readDueEvents(pool, { events: eventsOf(pages), bytesMax })
    const byId = new Map(events.map((event) => [event.eventId, event]))
    return wishes.map((wish, index) => pageOf(pages[index] ?? [], wish, byId))
  }
}

/** Each once, the first of every page before the second of any: no lane takes all the bytes. */
function eventsOf(pages: readonly (readonly DueRow[])[]): DueRow[] {
  const wanted = new Map<string, DueRow>()
  const longest = Math.max(...pages.map((page) => page.length))
  for (let at = 0; at < longest; at += 1) {
    for (const page of pages) {
      const row = page[at]
      if (row && !wanted.has(row.eventId)) wanted.set(row.eventId, row)
    }
  }
  return [...wanted.values()]
}

/** Ends before the first row whose event was not read, and with the one that passes the bytes. */
function pageOf(found: readonly DueRow[], wish: PageWish, events: ReadonlyMap<string, DueEvent>) {
  const rows: DueDelivery[] = []
  let bytes = 0
  for (const row of found) {
    const event = events.get(row.eventId)
    if (!event || bytes > wish.payloadBytesMax) break
    rows.push({ ...row, event })
    bytes += event.payloadText?.length ?? 0
  }
  return { rows, isFull: found.length === wish.rowsMax || rows.length < found.length }
}

/** Reads an endpoint as its lane needs it; undefined: it was deleted. */
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
    downSince: row.downSince,
  }
}
