import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as immediately } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { refusePlainly, type Route } from '../../src/api/http.ts'
import { serveRoutes } from '../support/served.ts'

const chunk = 'x'.repeat(64 * 1024)
/** Far more than the sockets of both sides hold. */
const chunks = 1_000

test('what a client does not take is not written', async () => {
  let written = 0
  const route: Route = {
    path: '/flood',
    refuse: refusePlainly,
    answer: async () => ({
      status: 200,
      pour: async (out) => {
        while (written < chunks) {
          if (!(await out.write(chunk))) return
          written += 1
        }
      },
    }),
  }
  await using server = await serveRoutes([route])
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.pause()
  socket.write('GET /flood HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  await untilStill(() => written)
  expect(written).toBeGreaterThan(0)
  expect(written).toBeLessThan(chunks / 2)
  let bytes = 0
  socket.on('data', (data) => (bytes += data.length)).resume()
  await once(socket, 'close')
  expect(written).toBe(chunks)
  expect(bytes).toBeGreaterThan(chunks * chunk.length)
})

/** Until a number has begun to rise, and has stayed the same for many turns of the event loop. */
async function untilStill(read: () => number): Promise<void> {
  for (let turns = 0, last = 0; turns < 1_000; turns++) {
    await immediately()
    if (read() === last && last > 0) continue
    last = read()
    turns = 0
  }
}

test('who leaves ends what is poured out', async () => {
  const ended = Promise.withResolvers<boolean>()
  const route: Route = {
    path: '/wait',
    refuse: refusePlainly,
    answer: async () => ({
      status: 200,
      pour: async (out) => {
        await out.write('first')
        await out.left
        ended.resolve(await out.write('second'))
      },
    }),
  }
  await using server = await serveRoutes([route])
  const aborting = new AbortController()
  await fetch(`${server.url}/wait`, { signal: aborting.signal })
  aborting.abort()
  expect(await ended.promise).toBe(false)
})
