import type { GraphQLSchema } from 'graphql'
import type { Bundle } from '../bundle.ts'
import { answerOf } from './answer.ts'
import type { Position } from './positions.ts'
import { questionOf } from './question.ts'
import { nobodyLike, type World } from './world.ts'

/** What is put in one place: something of `theirs`, and the same of nobody. */
export type Texts = { readonly foreign: string; readonly nobodys: string }

type Wish = {
  readonly schema: GraphQLSchema
  readonly bundle: Bundle
  readonly position: Position
  readonly theirs: World
}

/** Something of `theirs` that fits the place, and its like that does not exist. */
export async function textsOf(wish: Wish): Promise<Texts> {
  const { holds } = wish.position
  const { ids, mark } = wish.theirs
  if (holds.kind === 'NAME') return { foreign: mark, nobodys: 'nobody-of-the-wall' }
  if (holds.kind === 'CURSOR') {
    const foreign = await cursorOf(wish)
    return { foreign, nobodys: `${foreign.slice(0, -3)}AAA` }
  }
  const foreign = ids[holds.type]
  if (foreign) return { foreign, nobodys: nobodyLike(foreign) }
  throw new Error(`A workspace has no ${holds.type}: add one in test/support/wall/world.ts.`)
}

/** A cursor that the same list gives its own key, or to the operator where only they may ask. */
async function cursorOf(wish: Wish): Promise<string> {
  const { bundle, theirs, position } = wish
  const own = await pageOf(wish, theirs.key)
  const page = own.includes('"FORBIDDEN"') ? await pageOf(wish, bundle.adminKey) : own
  const cursor = /"(?:endCursor|streamCursor)":"([^"]+)"/.exec(page)?.[1]
  if (cursor !== undefined) return cursor
  const where = 'add something that it lists in test/support/wall/world.ts.'
  throw new Error(`${position.name} has no cursor of a filled workspace: ${where} It says ${page}`)
}

async function pageOf({ schema, bundle, position, theirs }: Wish, key: string): Promise<string> {
  if (position.parent === schema.getSubscriptionType()) {
    const query = '{ deliveries(first: 1) { streamCursor } }'
    const question = { kind: 'query', query, variables: {} } as const
    return answerOf({ bundle, key, question, given: '(none)' })
  }
  const question = questionOf({
    ...{ schema, own: theirs.ids, given: '', select: '{ pageInfo { endCursor } }' },
    position: { ...position, path: [] },
    workspaceId: key === bundle.adminKey ? theirs.ids['Workspace'] : undefined,
  })
  return answerOf({ bundle, key, question, given: '(none)' })
}
