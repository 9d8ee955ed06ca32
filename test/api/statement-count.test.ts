import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bundle, openBundle } from '../support/bundle.ts'
import type { Json } from '../support/client.ts'
import { type LogTenant, newLogTenant } from '../support/log-tenant.ts'

/* A page costs a handful of statements, however long it is and whatever of its rows is shown. */

const statementsMax = 6

let bundle: Bundle
let tenant: LogTenant

beforeAll(async () => {
  bundle = await openBundle()
  tenant = await newLogTenant(bundle)
  const endpointIds = [tenant.endpoint]
  while (endpointIds.length < 10) endpointIds.push(await tenant.rows.addEndpoint(tenant.workspace))
  for (let n = 0; n < 10; n++) {
    const deliveries = await tenant.rows.publish({ workspaceId: tenant.workspace, endpointIds })
    for (const one of deliveries) await tenant.rows.attempt(one, { result: 'TIMEOUT' })
  }
})

afterAll(() => bundle[Symbol.asyncDispose]())

test('a page of deliveries, with all that was said', async () => {
  const { deliveries } = await asked(`{ deliveries(first: 100) { streamCursor nodes {
    id event { id payloadText } endpoint { id url }
    attempts { number request { body headers { name } } response { body } }
  } } }`)
  expect(deliveries.nodes).toHaveLength(100)
})

test('a page of endpoints, with health, statistics and deliveries', async () => {
  const { endpoints } = await asked(`{ endpoints(first: 20) { totalCount nodes {
    id health { circuit pendingDeliveries { value } } stats { attempts buckets { start } }
    deliveries(first: 5) { streamCursor nodes { id status } }
  } } }`)
  const counts = endpoints.nodes.map((node: Json) => node.deliveries.nodes.length)
  expect(counts).toEqual(Array.from({ length: 10 }, () => 5))
})

test('a page of events, with deliveries and their attempts', async () => {
  const { events } = await asked(`{ events(first: 10) { nodes {
    id payloadText deliveries(first: 10) { nodes { id endpoint { id } attempts { result } } }
  } } }`)
  const counts = events.nodes.map((node: Json) => node.deliveries.nodes.length)
  expect(counts).toEqual(Array.from({ length: 10 }, () => 10))
})

/** Answers the query; fails if it took too many statements. Lanes have their own connections. */
async function asked(query: string): Promise<Json> {
  await tenant.client.ask('{ deliveries(first: 1) { nodes { id } } }') // its key is known now
  const { orm, logPool } = bundle.database
  const pools = [await orm.em.getConnection().getNativeClient(), logPool]
  let statements = 0
  const count = () => {
    statements += 1
  }
  for (const pool of pools) pool.on('acquire', count)
  const result = await tenant.client.ask(query)
  for (const pool of pools) pool.off('acquire', count)
  expect(statements).toBeLessThanOrEqual(statementsMax)
  expect(statements).toBeGreaterThan(2)
  return result
}
