import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bundle, openBundle } from '../support/bundle.ts'
import type { Client } from '../support/client.ts'
import { idOf, type LogTenant, newLogTenant } from '../support/log-tenant.ts'

let bundle: Bundle
let tenant: LogTenant
/** Newest first. */
let ids: string[]

beforeAll(async () => {
  bundle = await openBundle()
  tenant = await newLogTenant(bundle)
  ids = []
  for (let n = 0; n < 7; n++) ids.unshift(idOf(await tenant.deliver()))
})

afterAll(() => bundle[Symbol.asyncDispose]())

const pageInfo = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor }'
const deliveries = `query ($first: Int, $after: String, $last: Int, $before: String,
    $filter: DeliveryFilter) {
  deliveries(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    edges { cursor node { id } } nodes { id } ${pageInfo}
  }
}`

async function page(args: object, client: Client = tenant.client) {
  const { deliveries: found } = await client.ask(deliveries, args)
  return { ...found, ids: found.nodes.map((node: { id: string }) => node.id) }
}

async function refusal(args: object, client: Client = tenant.client): Promise<string | undefined> {
  const { errors } = await client.send(deliveries, args)
  expect(errors[0]?.extensions.code).toBe('BAD_USER_INPUT')
  return errors[0]?.message
}

test('pages forward give every row once, newest first', async () => {
  const first = await page({ first: 3 })
  const second = await page({ first: 3, after: first.pageInfo.endCursor })
  const third = await page({ first: 3, after: second.pageInfo.endCursor })
  expect([...first.ids, ...second.ids, ...third.ids]).toEqual(ids)
  expect(first.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false })
  expect(second.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true })
  expect(third.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true })
})

test('pages backward give every row once, newest first', async () => {
  const last = await page({ last: 3 })
  const middle = await page({ last: 3, before: last.pageInfo.startCursor })
  const first = await page({ last: 3, before: middle.pageInfo.startCursor })
  expect([...first.ids, ...middle.ids, ...last.ids]).toEqual(ids)
  expect(last.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true })
  expect(first.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false })
})

test('a page can lie between two cursors', async () => {
  const { edges } = await page({ first: 7 })
  const between = await page({ first: 7, after: edges[1].cursor, before: edges[5].cursor })
  expect(between.ids).toEqual(ids.slice(2, 5))
})

test('edges and nodes are the same rows', async () => {
  const { edges, nodes } = await page({ first: 7 })
  expect(edges.map((edge: { node: object }) => edge.node)).toEqual(nodes)
})

test('an empty page has no cursors', async () => {
  const { edges, pageInfo } = await page({ first: 5, filter: { statuses: ['FAILED'] } })
  expect(edges).toEqual([])
  expect(pageInfo).toMatchObject({ startCursor: null, endCursor: null, hasNextPage: false })
})

test.each([
  [{}, 'first: exactly one of "first" and "last" is required.'],
  [{ first: 1, last: 1 }, 'first: exactly one of "first" and "last" is required.'],
  [{ first: 0 }, 'first: must be between 1 and 100, got 0.'],
  [{ first: 101 }, 'first: must be between 1 and 100, got 101.'],
  [{ last: -1 }, 'last: must be between 1 and 100, got -1.'],
  [{ first: 1, after: '' }, 'after: not a valid cursor.'],
  [{ first: 1, after: 'bm9uc2Vuc2U' }, 'after: not a valid cursor.'],
  [{ last: 1, before: 'x'.repeat(5000) }, 'before: not a valid cursor.'],
])('a page asked for with %j is refused', async (args, message) => {
  expect(await refusal(args)).toBe(message)
})

test('a cursor that was tampered with is refused', async () => {
  const { pageInfo } = await page({ first: 1 })
  const end = String(pageInfo.endCursor)
  for (let at = 0; at < end.length; at++) {
    const other = end[at] === 'A' ? 'B' : 'A'
    const after = end.slice(0, at) + other + end.slice(at + 1)
    expect(await refusal({ first: 1, after })).toBe('after: not a valid cursor.')
  }
})

test('a cursor is good for its own filter alone', async () => {
  const filter = { statuses: ['PENDING'] }
  const { pageInfo } = await page({ first: 1, filter })
  const after = pageInfo.endCursor
  expect((await page({ first: 1, after, filter })).ids).toEqual([ids[1]])
  expect(await refusal({ first: 1, after })).toBe('after: not a valid cursor.')
})

test('a cursor of another workspace is refused', async () => {
  const other = await newLogTenant(bundle)
  const { pageInfo } = await page({ first: 1 })
  const args = { first: 1, after: pageInfo.endCursor }
  expect(await refusal(args, other.client)).toBe('after: not a valid cursor.')
})

test('a cursor of another list is refused', async () => {
  const { pageInfo } = await page({ first: 1 })
  const { errors } = await tenant.client.send(
    'query ($after: String) { events(first: 1, after: $after) { nodes { id } } }',
    { after: pageInfo.endCursor },
  )
  expect(errors[0]?.message).toBe('after: not a valid cursor.')
})
