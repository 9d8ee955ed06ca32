import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
} from 'graphql'
import { rootFieldsMax } from '../../limits.ts'
import { badRequest } from '../body.ts'
import type { Caller } from '../caller.ts'
import { type Problem, RequestRefused, unauthenticated, wrongMethod } from '../problem.ts'

/** The operation of a document that is meant. */
export function operationMeant(document: DocumentNode, name: string | null | undefined) {
  const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION)
  const [first] = operations
  if (name !== null && name !== undefined) {
    const found = operations.find((operation) => operation.name?.value === name)
    if (found) return found
    throw unresolved(`No operation named ${JSON.stringify(name)}.`)
  }
  if (!first) throw unresolved('The document has no operation.')
  if (operations.length === 1) return first
  throw unresolved('"operationName" is required when the document has more than one operation.')
}

/** What an operation over HTTP is judged by, before it is validated. */
export type OperationSetting = {
  readonly document: DocumentNode
  readonly caller: Caller
  readonly isAnonymous: boolean
  readonly method: string
}

/** Refuses what is no operation for HTTP, or for this caller. */
export function checkOperation(
  operation: OperationDefinitionNode,
  setting: OperationSetting,
): void {
  if (operation.operation === OperationTypeNode.SUBSCRIPTION) {
    throw badRequest(
      'Subscriptions use WebSocket at /graphql (graphql-transport-ws), ' +
        'or server-sent events at /graphql/stream.',
    )
  }
  if (operation.operation === OperationTypeNode.MUTATION && setting.method === 'GET')
    throw wrongMethod('POST')
  const fields = rootFields(operation, setting.document)
  if (fields.length > rootFieldsMax) throw tooManyRootFields(operation, fields.length)
  const readsSchemaOnly = fields.every((name) => name.startsWith('__'))
  if (setting.isAnonymous && !readsSchemaOnly) {
    throw new RequestRefused(unauthenticated('Missing API key.'))
  }
}

/** Names of all fields at the root, those in fragments included; a named fragment counts once. */
function rootFields(operation: OperationDefinitionNode, { definitions }: DocumentNode): string[] {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const node of definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node)
  }
  const names: string[] = []
  const open: SelectionSetNode[] = [operation.selectionSet]
  const seen = new Set<string>()
  for (let set = open.pop(); set; set = open.pop()) {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) names.push(selection.name.value)
      else if (selection.kind === Kind.INLINE_FRAGMENT) open.push(selection.selectionSet)
      else if (!seen.has(selection.name.value)) {
        seen.add(selection.name.value)
        const fragment = fragments.get(selection.name.value)
        if (fragment) open.push(fragment.selectionSet)
      }
    }
  }
  return names
}

function tooManyRootFields({ operation }: OperationDefinitionNode, actual: number) {
  const kind = `${operation.charAt(0).toUpperCase()}${operation.slice(1)}`
  const message = `${kind} has ${actual} root fields, limit ${rootFieldsMax}.`
  return tooComplex('TOO_MANY_ROOT_FIELDS', { message, limit: rootFieldsMax, actual })
}

/** Refused for what it would cost, before anything is done. */
export function tooComplex(
  reason: string,
  details: Pick<Problem, 'message' | 'limit' | 'actual'>,
): RequestRefused {
  return new RequestRefused({ status: 400, code: 'QUERY_TOO_COMPLEX', reason, ...details })
}

function unresolved(message: string): RequestRefused {
  const reason = 'OPERATION_RESOLUTION_FAILURE'
  return new RequestRefused({ status: 400, code: 'BAD_USER_INPUT', reason, message })
}
