import { Agent, request } from 'node:http'
import { expect, test } from 'vitest'
import { drainMsMax } from '../../src/limits.ts'
import { untilBlocked } from '../support/blocked.ts'
import { openBundle } from '../support/bundle.ts'

/** Answers the status and whether the connection is to be kept. */
function ask(url: string, key: string, agent: Agent) {
  const body = JSON.stringify({ query: '{ deliveries(first: 1) { nodes { id } } }' })
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/graphql`, { method: 'POST', agent, headers }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode))
    })
    asked.on('error', reject).end(body)
  })
}

test('a connection at work ends with its answer when the program ends', async () => {
  const bundle = await openBundle()
  const { key } = await bundle.newTenant()
  const agent = new Agent({ keepAlive: true })
  const holder = await bundle.database.pool.connect()
  await holder.query('begin; lock table delivery in access exclusive mode')
  const asked = ask(bundle.url, key, agent)
  await untilBlocked(bundle.database.pool, 'delivery')

  const started = performance.now()
  const ended = bundle[Symbol.asyncDispose]()
  await holder.query('rollback')
  holder.release()

  expect(await asked).toBe(200)
  await ended
  expect(performance.now() - started).toBeLessThan(drainMsMax / 2)
  agent.destroy()
}, 40_000)
