import {
  getNamedType,
  type GraphQLArgument,
  type GraphQLEnumType,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredInputField,
} from 'graphql'
import { besides, textMeanings } from './meanings.ts'
import { type Position, takesList } from './positions.ts'
import { selectionOf } from './selection.ts'

/** One operation, ready to be sent. */
export type Question = {
  readonly kind: 'query' | 'mutation' | 'subscription'
  readonly query: string
  readonly variables: Readonly<Record<string, unknown>>
}

type Asked = {
  readonly schema: GraphQLSchema
  readonly position: Position
  /** What is put in the place that is asked about. */
  readonly given: string
  /** The asker's own objects by type: the way to fields that are not at the root. */
  readonly own: Readonly<Record<string, string>>
  /** An operator says which workspace they mean. */
  readonly workspaceId?: string | undefined
  /** What is selected, instead of all there is. */
  readonly select?: string
}

/** The smallest operation that puts `given` in its place and asks for all there is. */
export function questionOf(asked: Asked): Question {
  const { parent, field, path } = asked.position
  const [first = ''] = path
  const used = field.args.filter((arg) => arg.name === first || isRequired(arg))
  const values = used.map((arg): [string, unknown] => {
    return [arg.name, fill(arg, arg.name === first ? path.slice(1) : null, asked.given)]
  })
  const variables: Record<string, unknown> = {
    ...{ workspaceId: asked.workspaceId, [first === 'before' ? 'last' : 'first']: 2 },
    ...besides[`${parent.name}.${field.name}`],
    ...Object.fromEntries(values),
  }
  const args = field.args.filter(({ name }) => variables[name] !== undefined)
  const names = args.map(({ name }) => `${name}: $${name}`).join(', ')
  const select = asked.select ?? selectionFor(asked)
  const body = `${field.name}(${names}) ${select}`
  const types = args.map(({ name, type }) => `$${name}: ${String(type)}`)
  return { ...reached(asked, body, types), variables: { ...variables, own: own(asked) } }
}

/** Behind `node` all there is of the type that is asked about, and of others the id. */
function selectionFor({ schema, position: { field, holds } }: Asked): string {
  const selection = selectionOf(schema, field.type)
  const type = holds.kind === 'ID' ? schema.getType(holds.type) : undefined
  if (getNamedType(field.type).name !== 'Node' || !isObjectType(type)) return selection
  return `{ __typename id ... on ${type.name} ${selectionOf(schema, type)} }`
}

const isRequired = ({ type, defaultValue }: GraphQLArgument) =>
  isNonNullType(type) && defaultValue === undefined

/** A field of an object is asked of the asker's own: by `node`, or where the root has one. */
function reached({ schema, position: { parent } }: Asked, body: string, types: string[]) {
  const roots = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  } as const
  for (const kind of ['query', 'mutation', 'subscription'] as const) {
    if (roots[kind] === parent) return { kind, query: `${kind} (${types.join(', ')}) { ${body} }` }
  }
  const kind = 'query' as const
  if (isNode(parent)) {
    const all = ['$own: ID!', ...types].join(', ')
    return {
      kind,
      query: `query (${all}) { node(id: $own) { ... on ${parent.name} { ${body} } } }`,
    }
  }
  const fields = Object.values(schema.getQueryType()?.getFields() ?? {})
  const way = fields.find(({ type, args }) => getNamedType(type) === parent && args.length === 0)
  if (way) return { kind, query: `query (${types.join(', ')}) { ${way.name} { ${body} } }` }
  const where = 'Say in test/support/wall/question.ts how it is reached.'
  throw new Error(`No question leads to ${parent.name}, whose fields take arguments. ${where}`)
}

function own({ position: { parent }, own: ids }: Asked): string | undefined {
  if (!isNode(parent)) return undefined
  const id = ids[parent.name]
  if (id) return id
  throw new Error(`A workspace has no ${parent.name}: add one in test/support/wall/world.ts.`)
}

const isNode = (type: GraphQLObjectType) => type.getInterfaces().some(({ name }) => name === 'Node')

/** A value for an argument or field; `path` leads on to the place asked about, null: elsewhere. */
function fill(
  part: GraphQLArgument | GraphQLInputField,
  path: readonly string[] | null,
  given: string,
): unknown {
  const type = getNamedType(part.type)
  const value = isInputObjectType(type)
    ? fillInput(type, path, given)
    : path === null
      ? plain(part)
      : given
  const isWhole = !takesList(part) || Array.isArray(value)
  return isWhole ? value : [value]
}

function fillInput(
  type: GraphQLInputObjectType,
  path: readonly string[] | null,
  given: string,
): object {
  const next = path?.[0]
  const fields = Object.values(type.getFields())
  const used = fields.filter((field) => field.name === next || isRequiredInputField(field))
  const filled = used.map((field) => {
    const rest = path !== null && field.name === next ? path.slice(1) : null
    return [field.name, fill(field, rest, given)]
  })
  return { ...besides[type.name], ...Object.fromEntries(filled) }
}

/** For a required place that is not asked about. */
function plain(part: GraphQLArgument | GraphQLInputField): unknown {
  const type = getNamedType(part.type)
  if (isEnumType(type)) return firstOf(type)
  const text = textMeanings[part.name]
  if (type.name === 'String' && text?.kind === 'VALUE') return text.value
  const values: Readonly<Record<string, unknown>> = {
    Int: 1,
    Boolean: true,
    JSON: {},
    DateTime: new Date(Date.now() - 60_000).toISOString(),
    URL: 'https://example.com/wall',
  }
  if (type.name in values) return values[type.name]
  throw new Error(
    `${part.name}: ${shown(part.type)} is required, and nothing says what to give: ` +
      'add it to "besides" or "textMeanings" in test/support/wall/meanings.ts.',
  )
}

const shown = (type: GraphQLInputType) => (isListType(type) ? 'a list' : String(type))
const firstOf = (type: GraphQLEnumType) => type.getValues()[0]?.name
