import {
  getNamedType,
  getNullableType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLObjectType,
  type GraphQLSchema,
  isInputObjectType,
  isListType,
  isObjectType,
} from 'graphql'
import { idMeanings, sharedNodes, textMeanings } from './meanings.ts'

/** What is put in the place that is asked about. */
export type Holds =
  | { readonly kind: 'ID'; readonly type: string }
  | { readonly kind: 'NAME' }
  | { readonly kind: 'CURSOR' }

/** One place in the arguments of one field where something of another workspace can be named. */
export type Position = {
  /** Such as `Query.deliveries(filter.eventId)`. */
  readonly name: string
  readonly parent: GraphQLObjectType
  readonly field: GraphQLField<unknown, unknown>
  /** The argument, and the fields of inputs below it. */
  readonly path: readonly string[]
  readonly holds: Holds
}

/** Every such place of the schema, and a sentence for each argument that nobody has explained. */
export type Positions = {
  readonly positions: readonly Position[]
  readonly unknown: readonly string[]
}

type Part = GraphQLArgument | GraphQLInputField
type Owner = Pick<Position, 'parent' | 'field'>
/** How the walk came to a part: the steps, and the types of the inputs among them. */
type Way = { readonly path: readonly string[]; readonly inputs: readonly string[] }
type Found = { readonly holds: readonly Holds[]; readonly unknown?: string }

/** Walks every argument of every field of every object, and every input below it. */
export function positionsOf(schema: GraphQLSchema): Positions {
  const nodes = nodeTypesOf(schema)
  const positions: Position[] = []
  const unknown = new Set<string>()

  function visit(owner: Owner, part: Part, { path, inputs }: Way) {
    const type = getNamedType(part.type)
    const here = [...path, part.name]
    if (isInputObjectType(type)) {
      if (inputs.includes(type.name)) return
      for (const field of Object.values(type.getFields())) {
        visit(owner, field, { path: here, inputs: [...inputs, type.name] })
      }
      return
    }
    const found = meaningOf({ nodes, owner, part, input: inputs.at(-1) })
    if (found.unknown) unknown.add(found.unknown)
    for (const holds of found.holds) {
      const name = nameOf(owner, here, found.holds.length > 1 ? holds : null)
      positions.push({ ...owner, name, path: here, holds })
    }
  }

  for (const parent of Object.values(schema.getTypeMap())) {
    if (!isObjectType(parent) || parent.name.startsWith('__')) continue
    for (const field of Object.values(parent.getFields())) {
      for (const part of field.args) visit({ parent, field }, part, { path: [], inputs: [] })
    }
  }
  return { positions, unknown: [...unknown] }
}

/** The types behind `node`, those left out that belong to nobody. */
export function nodeTypesOf(schema: GraphQLSchema): readonly string[] {
  const node = schema.getType('Node')
  if (!node || !('astNode' in node)) throw new Error('The schema has no interface Node.')
  return Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && type.getInterfaces().some((one) => one === node))
    .map((type) => type.name)
    .filter((name) => !sharedNodes.includes(name))
}

function nameOf({ parent, field }: Owner, path: readonly string[], holds: Holds | null): string {
  const which = holds?.kind === 'ID' ? `: ${holds.type}` : ''
  return `${parent.name}.${field.name}(${path.filter((step) => step !== 'input').join('.')}${which})`
}

type Meant = {
  readonly nodes: readonly string[]
  readonly owner: Owner
  readonly part: Part
  /** The input the part belongs to; undefined for an argument of the field itself. */
  readonly input: string | undefined
}

function meaningOf(meant: Meant): Found {
  const { owner, part, input } = meant
  const scalar = getNamedType(part.type).name
  const where = `${input ?? `${owner.parent.name}.${owner.field.name}`}.${part.name}`
  if (scalar === 'ID') {
    const types = typesMeant(meant, where)
    if (types.length > 0) return { holds: types.map((type) => ({ kind: 'ID', type })) }
    return refused(`${where} takes an ID: say in "idMeanings" of which type.`)
  }
  if (scalar !== 'String') return { holds: [] }
  const text = textMeanings[where] ?? textMeanings[part.name]
  if (!text) return refused(`${where} takes a text: say in "textMeanings" what it stands for.`)
  if (text.kind === 'VALUE' || isSharedList(owner.field)) return { holds: [] }
  return { holds: [{ kind: text.kind }] }
}

const refused = (unknown: string): Found => ({
  holds: [],
  unknown: `${unknown} (test/support/wall/meanings.ts)`,
})

/** The pages of a list that is everybody's have cursors that are everybody's. */
function isSharedList({ type }: GraphQLField<unknown, unknown>): boolean {
  return sharedNodes.some((name) => getNamedType(type).name === `${name}Connection`)
}

function typesMeant({ nodes, owner, part, input }: Meant, where: string): readonly string[] {
  const known = idMeanings[where]
  if (known) return [known]
  if (part.name === 'id' || part.name === 'ids') return ownTypes({ nodes, owner, input })
  const noun = part.name.replace(/Ids?$/, '').toLowerCase()
  return nodes.filter((type) => type.toLowerCase() === noun)
}

/** Of `id`: what the field answers, or the noun that the input's name begins with. */
function ownTypes({ nodes, owner, input }: Omit<Meant, 'part'>): readonly string[] {
  const answered = getNamedType(owner.field.type).name
  if (input === undefined) return answered === 'Node' ? nodes : nodes.filter((n) => n === answered)
  const nouns = nodes.filter((type) => input.startsWith(type))
  return nouns.toSorted((a, b) => b.length - a.length).slice(0, 1)
}

/** Whether a place takes a list, so that what is put there is put in one. */
export function takesList(part: Part): boolean {
  return isListType(getNullableType(part.type))
}
