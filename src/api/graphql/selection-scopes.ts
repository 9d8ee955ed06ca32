import {
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  getDirectiveValues,
  getNamedType,
  getOperationAST,
  getVariableValues,
  GraphQLError,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLNamedType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  type InlineFragmentNode,
  isInterfaceType,
  isObjectType,
  Kind,
  OperationTypeNode,
  type SelectionNode,
  typeFromAST,
} from 'graphql'
import type { Scope } from '../../model/api-key.ts'
import { type Caller, holds } from '../caller.ts'
import { forbidden } from '../problem.ts'

type Walk = {
  readonly schema: GraphQLSchema
  readonly document: DocumentNode
  readonly variables: Readonly<Record<string, unknown>>
  readonly caller: Caller
}

/** A place in the answer to be. */
type Place = {
  readonly type: GraphQLNamedType | undefined
  /** What the field that led here grants to whoever got so far. */
  readonly granted: readonly string[]
  readonly path: readonly string[]
}

/**
 * Why a mutation is refused for what it asks of its answer, or null. Found at run time it would be
 * too late: the change would be made, and the caller told that it was forbidden.
 */
export function forbiddenSelection(args: ExecutionArgs, caller: Caller): GraphQLError | null {
  const { schema, document } = args
  const operation = getOperationAST(document, args.operationName)
  if (operation?.operation !== OperationTypeNode.MUTATION) return null
  const definitions = operation.variableDefinitions ?? []
  const { coerced } = getVariableValues(schema, definitions, args.variableValues ?? {})
  if (!coerced) return null // the execution says so
  const walk = { schema, document, caller, variables: coerced }
  const place = { type: schema.getMutationType() ?? undefined, granted: [], path: [] }
  return firstForbidden(operation.selectionSet.selections, place, walk)
}

function firstForbidden(
  selections: readonly SelectionNode[],
  place: Place,
  walk: Walk,
): GraphQLError | null {
  for (const selection of selections) {
    if (!isIncluded(selection, walk)) continue
    const found =
      selection.kind === Kind.FIELD
        ? forbiddenField(selection, place, walk)
        : forbiddenFragment(selection, place, walk)
    if (found) return found
  }
  return null
}

function forbiddenFragment(
  selection: FragmentSpreadNode | InlineFragmentNode,
  place: Place,
  walk: Walk,
): GraphQLError | null {
  const fragment = fragmentOf(selection, walk.document)
  if (!fragment) return null
  const { typeCondition, selectionSet } = fragment
  const type = typeCondition ? typeFromAST(walk.schema, typeCondition) : place.type
  return firstForbidden(selectionSet.selections, { ...place, type }, walk)
}

function fragmentOf(
  selection: FragmentSpreadNode | InlineFragmentNode,
  { definitions }: DocumentNode,
): InlineFragmentNode | FragmentDefinitionNode | undefined {
  if (selection.kind === Kind.INLINE_FRAGMENT) return selection
  const fragments = definitions.filter((node) => node.kind === Kind.FRAGMENT_DEFINITION)
  return fragments.find(({ name }) => name.value === selection.name.value)
}

/** Fields of an interface are judged by its own rules alone: whose they are shows at run time. */
function forbiddenField(node: FieldNode, place: Place, walk: Walk): GraphQLError | null {
  const { type, granted } = place
  if (!isObjectType(type) && !isInterfaceType(type)) return null
  const field = type.getFields()[node.name.value]
  if (!field) return null
  const path = [...place.path, node.alias?.value ?? node.name.value]
  const rules = [type, field].map((one) => optionsOf(one).authScopes)
  const allowed = rules.every((rule) => allows(rule, granted, walk.caller))
  if (!allowed) {
    const originalError = forbidden(`${type.name}.${field.name}`, walk.caller.scopes)
    return new GraphQLError(originalError.message, { nodes: node, path, originalError })
  }
  const below = {
    ...{ type: getNamedType(field.type), path },
    granted: optionsOf(field).grantScopes ?? [],
  }
  return firstForbidden(node.selectionSet?.selections ?? [], below, walk)
}

/** As they were given to the builder. */
type ScopeOptions = {
  readonly authScopes?: Readonly<Record<string, unknown>>
  readonly grantScopes?: readonly string[]
}

function optionsOf({ extensions }: GraphQLNamedType | GraphQLField<unknown, unknown>) {
  return (extensions['pothosOptions'] ?? {}) as ScopeOptions
}

/** One that holds is enough. */
function allows(
  scopes: ScopeOptions['authScopes'],
  granted: readonly string[],
  caller: Caller,
): boolean {
  if (scopes === undefined) return true
  return Object.entries(scopes).some(([name, wanted]) => {
    if (name === '$any') return allows(wanted as typeof scopes, granted, caller)
    if (name === '$granted') return granted.includes(String(wanted))
    return wanted === true && holds(caller, name.toUpperCase() as Scope)
  })
}

function isIncluded(node: SelectionNode, { variables }: Walk): boolean {
  if (getDirectiveValues(GraphQLSkipDirective, node, variables)?.['if'] === true) return false
  return getDirectiveValues(GraphQLIncludeDirective, node, variables)?.['if'] !== false
}
