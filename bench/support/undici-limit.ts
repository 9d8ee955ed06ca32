import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { newUuid, publicId } from '../../src/rules/id.ts'
import { generateSecret } from '../../src/rules/secret-format.ts'
import { prepareSigner, signedRequest } from '../../src/rules/signature.ts'

export type LimitOptions = { readonly port: number; readonly requests: number; readonly body: string }

const inFlight = 200

/** Requests a second that undici sends from memory, signed before, with nothing stored. */
export async function measureUndici(options: LimitOptions): Promise<number> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(options)])
  const [perSecond] = (await once(child, 'message')) as [number]
  await once(child, 'exit')
  return perSecond
}

async function send({ port, requests, body }: LimitOptions): Promise<number> {
  await using pool = closing(new Pool(`http://127.0.0.1:${port}`, { connections: inFlight }))
  const headers = signedHeaders(body)
  await sendAll(pool.value, { headers, body, requests: 2_000 })
  const started = performance.now()
  await sendAll(pool.value, { headers, body, requests })
  return (requests / (performance.now() - started)) * 1000
}

function closing(value: Pool) {
  return { value, [Symbol.asyncDispose]: () => value.close() }
}

function signedHeaders(body: string): string[] {
  const signer = prepareSigner('STANDARD_WEBHOOKS', [{ secret: generateSecret(), expiresAt: null }])
  const { headers } = signedRequest({
    ...{ signer, customHeaders: [], eventType: 'bench.happened', payloadText: body },
    eventId: publicId('evt', newUuid(Date.now())),
    deliveryId: publicId('dlv', newUuid(Date.now())),
    unixSeconds: Math.floor(Date.now() / 1000),
    userAgent: 'Postrider/bench',
  })
  return headers.flat()
}

async function sendAll(pool: Pool, job: { headers: string[]; body: string; requests: number }) {
  let left = job.requests
  const lane = async () => {
    while (left-- > 0) {
      const { body } = await pool.request({
        ...{ method: 'POST', path: '/', headers: job.headers, body: job.body },
      })
      await body.dump()
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.send?.(await send(JSON.parse(process.argv[2] ?? '{}') as LimitOptions))
}
