import {
  getNamedType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isAbstractType,
  isInterfaceType,
  isLeafType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import { movingFields } from './meanings.ts'

/** Everything that can be asked of a type without arguments of its own, so many objects deep. */
export function selectionOf(schema: GraphQLSchema, type: GraphQLOutputType, depth = 2): string {
  const named = getNamedType(type)
  if (isLeafType(named)) return ''
  if (isObjectType(named)) return `{ __typename ${fieldsOf(schema, named, { depth, prefix: '' })} }`
  if (!isAbstractType(named)) return ''
  if (isInterfaceType(named)) return `{ __typename ${Object.keys(named.getFields()).join(' ')} }`
  const types = schema.getPossibleTypes(named)
  if (types.some(isRefusal)) return '{ __typename ... on Error { code message } }'
  const parts = types.map((one) => {
    const fields = fieldsOf(schema, one, { depth: depth - 1, prefix: `${one.name}_` })
    return `... on ${one.name} { __typename ${fields} }`
  })
  return `{ __typename ${parts.join(' ')} }`
}

/** What a change answers holds new ids and times where it is done: only that it was is asked. */
const isRefusal = (type: GraphQLObjectType) =>
  type.getInterfaces().some(({ name }) => name === 'Error')

/** Types of a union may have a field of one name and two types: each has names of its own. */
type Style = { readonly depth: number; readonly prefix: string }

function fieldsOf(schema: GraphQLSchema, type: GraphQLObjectType, style: Style): string {
  const fields = Object.values(type.getFields()).filter((one) => canAsk(type, one, style.depth))
  return fields.map((field) => fieldText(schema, field, style)).join(' ')
}

function fieldText(
  schema: GraphQLSchema,
  field: GraphQLField<unknown, unknown>,
  { depth, prefix }: Style,
): string {
  const alias = prefix === '' ? '' : `${prefix}${field.name}: `
  const pages = field.args.some(({ name }) => name === 'first')
  const below = selectionOf(schema, field.type, depth - 1)
  return `${alias}${field.name}${pages ? '(first: 1)' : ''} ${below}`
}

function canAsk(
  owner: GraphQLObjectType,
  { name, type, args }: GraphQLField<unknown, unknown>,
  depth: number,
): boolean {
  if (movingFields.includes(`${owner.name}.${name}`)) return false
  if (args.some((arg) => isNonNullType(arg.type) && arg.defaultValue === undefined)) return false
  return depth > 0 || isLeafType(getNamedType(type))
}
