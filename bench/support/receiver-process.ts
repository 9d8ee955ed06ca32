import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { machineMs } from './time.ts'

/** A request to `/timed/<group>`: how long after the `publishedAt` of its body it came. */
export type Arrival = { readonly group: string; readonly latencyMs: number }

/** What has come since the last report. `isAnswer`: it was asked for. */
export type Progress = {
  readonly requests: number
  readonly arrivals: readonly Arrival[]
  readonly isAnswer: boolean
}

let requests = 0
let reported = 0
let arrivals: Arrival[] = []

const server = createServer((request, response) => {
  const { url = '/' } = request
  if (url.startsWith('/silent/')) return void request.resume()
  if (url.startsWith('/timed/')) return readStamp(request, response)
  request.on('end', () => {
    requests += 1
    response.end()
  })
  request.resume()
})

/** The time of arrival is taken before the body is read. */
function readStamp(request: IncomingMessage, response: ServerResponse): void {
  const at = machineMs()
  let body = ''
  request.setEncoding('latin1')
  request.on('data', (chunk: string) => (body += chunk))
  request.on('end', () => {
    requests += 1
    const [, , group = ''] = request.url?.split('/') ?? []
    const stamp = /"publishedAt":([\d.]+)/.exec(body)?.[1]
    arrivals.push({ group, latencyMs: at - Number(stamp) })
    response.end()
  })
}

function report(isAnswer: boolean): void {
  process.send?.({ requests, arrivals, isAnswer } satisfies Progress)
  reported = requests
  arrivals = []
}

setInterval(() => {
  if (requests !== reported) report(false)
}, 5)
process.on('message', () => report(true))
process.once('disconnect', () => process.exit())
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  process.send?.((server.address() as AddressInfo).port)
})
