import {
  type DocumentNode,
  type ExecutionResult,
  Kind,
  type OperationDefinitionNode,
  print,
  type SelectionNode,
  visit,
} from 'graphql'
import type { Caller } from '../caller.ts'
import { operationMeant } from './operation.ts'

/** What of a subscription is executed for each of its events. */
export type EventOperation = {
  readonly document: DocumentNode
  readonly variableValues: Readonly<Record<string, unknown>>
  /** Equal for all whose results for one event are equal. */
  readonly key: string
}

type Whole = {
  readonly document: DocumentNode
  readonly operationName: string | null | undefined
  readonly variables: Readonly<Record<string, unknown>>
  readonly caller: Caller
}

/**
 * A subscription without the arguments of its root fields, which say which events there are and
 * nothing about any of them, and without the variables that nothing else uses. So those that
 * differ in their filters alone are one, and no filter is read again with each event.
 */
export function eventOperation({
  document,
  operationName,
  variables,
  caller,
}: Whole): EventOperation {
  const operation = withoutArguments(operationMeant(document, operationName))
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION)
  const used = variablesOf([operation.selectionSet, ...(operation.directives ?? []), ...fragments])
  const variableDefinitions = operation.variableDefinitions?.filter(({ variable }) => {
    return used.has(variable.name.value)
  })
  const definitions = [
    { ...operation, variableDefinitions: variableDefinitions ?? [] },
    ...fragments,
  ]
  const reduced: DocumentNode = { kind: Kind.DOCUMENT, definitions }
  const variableValues = Object.fromEntries(
    Object.entries(variables).filter(([name]) => used.has(name)),
  )
  const { keyId, scopes, workspaceId } = caller
  const key = JSON.stringify([keyId, scopes, workspaceId, print(reduced), variableValues])
  return { document: reduced, variableValues, key }
}

function withoutArguments(operation: OperationDefinitionNode): OperationDefinitionNode {
  const selections = operation.selectionSet.selections.map((selection): SelectionNode => {
    return selection.kind === Kind.FIELD ? { ...selection, arguments: [] } : selection
  })
  return { ...operation, selectionSet: { ...operation.selectionSet, selections } }
}

function variablesOf(nodes: readonly Parameters<typeof visit>[0][]): ReadonlySet<string> {
  const names = new Set<string>()
  for (const node of nodes) {
    visit(node, { [Kind.VARIABLE]: ({ name }) => void names.add(name.value) })
  }
  return names
}

const results = new WeakMap<object, Map<string, Promise<ExecutionResult>>>()

/**
 * The result of an event, made once for all subscribers who get the same. It is kept as long as
 * the event itself; one with errors is made anew for the next who asks.
 */
export function shareResult(
  event: object,
  key: string,
  make: () => Promise<ExecutionResult>,
): Promise<ExecutionResult> {
  const known = results.get(event) ?? new Map<string, Promise<ExecutionResult>>()
  results.set(event, known)
  const kept = known.get(key)
  if (kept) return kept
  const made = make()
  known.set(key, made)
  void made.then(({ errors }) => errors && known.delete(key))
  return made
}
