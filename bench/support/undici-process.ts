import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'
import { newUuid, publicId } from '../../src/rules/id.ts'
import { generateSecret } from '../../src/rules/secret-format.ts'
import { prepareSigner, signedRequest } from '../../src/rules/signature.ts'
import type { UndiciJob } from './undici-limit.ts'

/** Requests in flight. More are no faster, with fewer the connections run dry. */
const inFlight = 200

/** What is sent, one after the other and all over again. */
const distinctRequests = 20_000

let sendAll: Promise<(requests: number) => Promise<void>> | undefined

process.on('message', (message: UndiciJob | number) => {
  if (typeof message === 'number') void measure(message)
  else sendAll = prepare(message)
})
process.once('disconnect', () => process.exit())

async function measure(requests: number): Promise<void> {
  const send = await sendAll
  const started = performance.now()
  await send?.(requests)
  process.send?.(performance.now() - started)
}

async function prepare({ origin, body }: UndiciJob) {
  return senderOf(origin ?? (await startOwnReceiver()), body)
}

/** Answers as the one in a process of its own does. */
async function startOwnReceiver(): Promise<string> {
  const server = createServer((request, response) => {
    request.on('end', () => response.end())
    request.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Sends from memory what was signed before: nothing is read, nothing is stored. */
function senderOf(origin: string, body: string): (requests: number) => Promise<void> {
  const pool = new Pool(origin, { connections: inFlight })
  const payload = Buffer.from(body)
  const signed = signedHeaders(payload)
  return async (requests) => {
    let left = requests
    const one = async () => {
      while (left-- > 0) {
        const headers = signed[left % signed.length] ?? []
        const answer = await pool.request({ method: 'POST', path: '/', headers, body: payload })
        await answer.body.dump()
      }
    }
    await Promise.all(Array.from({ length: inFlight }, one))
  }
}

/** As the program sends them: each has its own id and signature. */
function signedHeaders(payload: Buffer): string[][] {
  const signer = prepareSigner('STANDARD_WEBHOOKS', [{ secret: generateSecret(), expiresAt: null }])
  return Array.from({ length: distinctRequests }, () => {
    const { headers } = signedRequest({
      ...{ signer, customHeaders: [], eventType: 'bench.happened', payload },
      eventId: publicId('evt', newUuid(Date.now())),
      deliveryId: publicId('dlv', newUuid(Date.now())),
      unixSeconds: Math.floor(Date.now() / 1000),
      userAgent: 'Postrider/bench',
    })
    return headers.flat()
  })
}
