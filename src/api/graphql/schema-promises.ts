import {
  findBreakingChanges,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql'

/** What clients of a released schema would trip over, one sentence for each change. */
export function brokenPromises(released: GraphQLSchema, current: GraphQLSchema): string[] {
  return findBreakingChanges(released, current).map(({ description }) => description)
}

/** What is deprecated without saying until when it stays, by its path. */
export function undatedDeprecations(schema: GraphQLSchema): string[] {
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'))
  return types.flatMap(partsOf).flatMap(([path, reason]) => {
    const day = /\b\d{4}-\d{2}-\d{2}\b/.exec(reason ?? '')?.[0]
    const isSaid = day !== undefined && !Number.isNaN(Date.parse(day))
    return typeof reason !== 'string' || isSaid ? [] : [path]
  })
}

type Part = readonly [path: string, deprecationReason: string | null | undefined]
type Deprecable = { readonly name: string; readonly deprecationReason?: string | null | undefined }

function partsOf(type: GraphQLNamedType): Part[] {
  const below = (owner: string, parts: readonly Deprecable[]) =>
    parts.map(({ name, deprecationReason }): Part => [`${owner}.${name}`, deprecationReason])
  if (isEnumType(type)) return below(type.name, type.getValues())
  if (isInputObjectType(type)) return below(type.name, Object.values(type.getFields()))
  if (!isObjectType(type) && !isInterfaceType(type)) return []
  const fields = Object.values(type.getFields())
  const args = fields.flatMap((field) => below(`${type.name}.${field.name}`, field.args))
  return [...below(type.name, fields), ...args]
}
