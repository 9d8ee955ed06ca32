import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monotonicMs } from './monotonic.ts'
import type { Arrival, Order, Report, Script } from './receiver-messages.ts'

/*
 * All receivers of one experiment, in a process of their own that survives every fault. It logs
 * each request when it has ended. Signatures are checked by the specification of Standard
 * Webhooks, with nothing of the program that made them.
 */

const keys = new Map<number, Buffer>()
const scripts = new Map<number, Script>()
let otherwise: Script = { status: 200, afterMs: 0 }
/** Requests so far of each endpoint and event. */
const counts = new Map<string, number>()
let arrivals: Arrival[] = []
let open = 0

const reportEveryMs = 20

function tell(report: Report): void {
  process.send?.(report)
}

function obey(order: Order): void {
  if (order.kind === 'endpoint') {
    keys.set(order.number, Buffer.from(order.secret.replace('whsec_', ''), 'base64'))
  } else if (order.kind === 'script') {
    if (order.numbers === null) otherwise = order.script
    for (const number of order.numbers ?? []) scripts.set(number, order.script)
  } else {
    tellSeen()
    tell({ kind: 'flushed', number: order.number })
  }
}

function tellSeen(): void {
  tell({ kind: 'seen', arrivals, open })
  arrivals = []
}

function receive(request: IncomingMessage, response: ServerResponse): void {
  const arrivedMs = monotonicMs()
  open += 1
  const endpoint = Number(request.url?.slice(1))
  const webhookId = String(request.headers['webhook-id'])
  const hash = createHash('sha256')
  const hmac = startHmac(request, endpoint)
  request.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    hmac.update(chunk)
  })
  response.once('close', () => {
    open -= 1
    const status = response.writableFinished ? response.statusCode : 0
    const seen = { endpoint, webhookId, arrivedMs, endedMs: monotonicMs(), status }
    const isWhole = request.complete
    arrivals.push({ ...seen, isWhole, sha256: hash.digest('base64url'), isSigned })
  })
  let isSigned = false
  request.once('end', () => {
    isSigned = `v1,${hmac.digest('base64')}` === request.headers['webhook-signature']
    answer(response, scriptOf(endpoint, webhookId))
  })
}

function startHmac({ headers }: IncomingMessage, endpoint: number) {
  const lead = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.`
  return createHmac('sha256', keys.get(endpoint) ?? '').update(lead)
}

function scriptOf(endpoint: number, webhookId: string): Script {
  const script = scripts.get(endpoint) ?? otherwise
  if (!script.failFirst) return script
  const key = `${endpoint} ${webhookId}`
  const count = (counts.get(key) ?? 0) + 1
  counts.set(key, count)
  return count > script.failFirst ? script : { ...script, status: 500 }
}

function answer(response: ServerResponse, script: Script): void {
  if (script.isSilent) return
  response.statusCode = script.status
  for (const [name, value] of Object.entries(script.headers ?? {})) response.setHeader(name, value)
  if (script.afterMs === 0) response.end()
  else setTimeout(() => response.end(), script.afterMs)
}

const server = createServer({ keepAliveTimeout: 60_000 }, receive)
process.on('message', obey)
process.on('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => {
  tell({ kind: 'listening', port: (server.address() as AddressInfo).port })
})
setInterval(tellSeen, reportEveryMs)
