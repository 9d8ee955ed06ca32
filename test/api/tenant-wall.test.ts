import { afterAll, beforeAll, expect, test } from 'vitest'
import { schema } from '../../src/api/graphql/schema.ts'
import { type Bundle, openBundle } from '../support/bundle.ts'
import { openStream } from '../support/stream.ts'
import { answerOf } from '../support/wall/answer.ts'
import { sameForAll } from '../support/wall/meanings.ts'
import { nodeTypesOf, type Position, positionsOf } from '../support/wall/positions.ts'
import { questionOf } from '../support/wall/question.ts'
import { textsOf } from '../support/wall/texts.ts'
import { wholeOf } from '../support/wall/whole.ts'
import { fillWorld, rowsOf, type World, worldEventType } from '../support/wall/world.ts'

/*
 * Promise P7, asked at every place of the schema where something of another workspace can be named.
 * The questions are made from the schema, so that a new field or argument is asked about as well.
 */

const { positions, unknown } = positionsOf(schema)
const named = positions.map((position) => [position.name, position] as const)
const telling = named.filter(([name]) => !sameForAll[name])

let bundle: Bundle
let mine: World
let theirs: World

beforeAll(async () => {
  bundle = await openBundle()
  await bundle.operator.mutate('eventTypeCreate', { name: worldEventType })
  mine = await fillWorld(bundle)
  theirs = await fillWorld(bundle)
})

afterAll(() => bundle[Symbol.asyncDispose]())

type Asker = { readonly key: string; readonly world: World; readonly workspaceId?: string }

function ask(position: Position, given: string, { key, world, workspaceId }: Asker) {
  const question = questionOf({ schema, position, given, own: world.ids, workspaceId })
  return answerOf({ bundle, key, question, given })
}

/** What may change a workspace for good gets one of its own. */
async function worldFor({ parent }: Position, kept: World): Promise<World> {
  return parent === schema.getMutationType() ? fillWorld(bundle) : kept
}

test('the wall knows what every argument means', () => {
  expect(unknown).toEqual([])
  expect(positions.length).toBeGreaterThan(50)
})

test('a workspace of this test has one of every node', () => {
  expect(Object.keys(theirs.ids).toSorted()).toEqual(nodeTypesOf(schema).toSorted())
})

test.each(named)('%s answers for another workspace as for nobody', async (_name, position) => {
  const { foreign, nobodys } = await textsOf({ schema, bundle, position, theirs })
  const before = await rowsOf(bundle, theirs.workspace)
  // A name is nobody's to this side, so that it is taken and things are made with it.
  const world = position.holds.kind === 'NAME' ? await worldFor(position, mine) : mine
  const me = { key: world.key, world }

  const forForeign = await ask(position, foreign, me)

  expect(forForeign).toBe(await ask(position, nobodys, me))
  expect(await rowsOf(bundle, theirs.workspace)).toBe(before)
})

test.each(telling)('%s answers its own key otherwise', async (_name, position) => {
  const world = await worldFor(position, theirs)
  const { foreign, nobodys } = await textsOf({ schema, bundle, position, theirs: world })
  const operator = { key: bundle.adminKey, world, workspaceId: world.ids['Workspace'] ?? '' }
  let asker: Asker = { key: world.key, world }

  let forNobody = await ask(position, nobodys, asker)
  if (forNobody.includes('"FORBIDDEN"')) {
    asker = operator
    forNobody = await ask(position, nobodys, asker)
  }

  expect(await ask(position, foreign, asker)).not.toBe(forNobody)
})

test('a stream does not go on from the id of another', async () => {
  const query = 'subscription { deliveryChanges { __typename } }'
  const first = async (key: string, headers = {}) => {
    await using stream = await openStream(bundle.url, { key, query, headers })
    const event = await stream.next()
    return event
  }
  const { id = '' } = (await first(theirs.key)) ?? {}
  const errorsFor = async (lastEventId: string) => {
    const event = await first(mine.key, { 'last-event-id': lastEventId })
    return event?.data.errors.map(({ message }: { message: string }) => message)
  }

  const foreign = await errorsFor(id)

  expect(foreign).toEqual([expect.stringContaining('not a valid')])
  expect(foreign).toEqual(await errorsFor(`${id.slice(0, -3)}AAA`))
})

test('nothing that a key can reach holds anything of another', async () => {
  const foreign = [theirs.mark, ...Object.values(theirs.ids)]
  const found: string[] = []
  for (const query of wholeOf(schema, mine)) {
    const { text } = await bundle.clientOf(mine.key).send(query)
    expect(text).not.toContain('"GRAPHQL_VALIDATION_FAILED"')
    if (foreign.some((own) => text.includes(own))) found.push(query)
  }
  expect(found).toEqual([])
})

test('a key can reach everything of its own', async () => {
  const replies = wholeOf(schema, mine).map((query) => bundle.clientOf(mine.key).send(query))
  const text = (await Promise.all(replies)).map((reply) => reply.text).join('\n')

  const missing = [mine.mark, ...Object.values(mine.ids)].filter((own) => !text.includes(own))

  expect(missing).toEqual([])
})

test('the operator reaches every workspace by bare ids', async () => {
  const ids = Object.values(theirs.ids)

  const { nodes } = await bundle.operator.ask('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
    ids,
  })

  expect(nodes).toEqual(ids.map((id) => ({ id })))
})

test('nodes takes so many ids and no more', async () => {
  const send = (count: number) =>
    bundle.operator.send('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
      ids: Array.from({ length: count }, () => theirs.ids['Endpoint']),
    })

  const most = await send(100)
  const over = await send(101)

  expect(most.data.nodes).toHaveLength(100)
  expect(over.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', field: 'ids' } }])
  expect(over.text).toContain('at most 100 at once; got 101')
})
