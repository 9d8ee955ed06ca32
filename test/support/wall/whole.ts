import { type GraphQLSchema, isNonNullType } from 'graphql'
import { nodeTypesOf } from './positions.ts'
import { selectionOf } from './selection.ts'
import type { World } from './world.ts'

/** Everything a key can ask for without naming anything but its own, one query each. */
export function wholeOf(schema: GraphQLSchema, { ids }: World): readonly string[] {
  const fields = Object.values(schema.getQueryType()?.getFields() ?? {})
  const roots = fields.filter(({ args }) => !args.some(({ type }) => isNonNullType(type)))
  const lists = roots.map(({ name, type, args }) => {
    const page = args.some((arg) => arg.name === 'first') ? '(first: 2)' : ''
    return `{ ${name}${page} ${selectionOf(schema, type, 3)} }`
  })
  const nodes = nodeTypesOf(schema).map((name) => {
    const type = schema.getType(name)
    if (!type || !('getFields' in type)) throw new Error(`${name} is no type of this schema.`)
    return `{ node(id: "${ids[name]}") { ... on ${name} ${selectionOf(schema, type as never, 3)} } }`
  })
  return [...lists, ...nodes]
}
