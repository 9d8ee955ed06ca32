import { type GraphQLResolveInfo, Kind, type ValueNode } from 'graphql'
import { invalidInput } from '../../errors.ts'
import { losesDigits, type LossyNumber, lossyNumbers } from '../../rules/json-number.ts'

/** The request as it was written: its variables are in the body, with their digits. */
export type WrittenRequest = { readonly info: GraphQLResolveInfo; readonly bodyText: string }

type Place = readonly string[]

/** What variables hold: as given, and by default. */
type Variables = {
  readonly lossy: readonly LossyNumber[]
  readonly defaultOf: (name: string) => ValueNode | undefined
}

/**
 * Refuses payloads with a number that JSON parsing has already changed: what is signed must be what
 * was published (promise P5). Only the request as it was written can tell. `payloads` are the
 * places of payloads below the mutation's `input`.
 */
export function refuseLossyPayloads(written: WrittenRequest, payloads: readonly Place[]): void {
  const { info, bodyText } = written
  const input = info.fieldNodes[0]?.arguments?.[0]?.value
  if (!input || payloads.length === 0) return
  const definitions = info.operation.variableDefinitions ?? []
  const variables: Variables = {
    lossy: [...lossyNumbers(bodyText)].filter(({ path }) => path[0] === 'variables'),
    defaultOf: (name) => {
      return definitions.find((each) => each.variable.name.value === name)?.defaultValue
    },
  }
  const issues = payloads.flatMap((path) => {
    const source = findLossy(input, path, variables)
    return source === undefined ? [] : [{ path, message: refusal(source) }]
  })
  if (issues.length > 0) throw invalidInput(issues)
}

/** The first number under `path` that loses digits, as it is written. */
function findLossy(node: ValueNode, path: Place, variables: Variables): string | undefined {
  switch (node.kind) {
    case Kind.VARIABLE: {
      const { value: name } = node.name
      const given = variables.lossy.find((lossy) => isUnder(lossy, [name, ...path]))
      const preset = variables.defaultOf(name)
      return given?.source ?? (preset && findLossy(preset, path, variables))
    }
    case Kind.INT:
    case Kind.FLOAT:
      return losesDigits(node.value) ? node.value : undefined
    case Kind.LIST:
      return firstOf(partsAt(node.values.entries(), path), path.slice(1), variables)
    case Kind.OBJECT: {
      const fields = node.fields.map((field) => [field.name.value, field.value] as const)
      const below = withoutIndex(path)
      return firstOf(partsAt(fields, below), below.slice(1), variables)
    }
    default:
      return undefined
  }
}

/** One value stands for a list of one (GraphQL, section 3.11): then there is no position. */
function withoutIndex(path: Place): Place {
  return /^\d+$/.test(path[0] ?? '') ? path.slice(1) : path
}

/** The one part the path goes on through; at its end all of them. */
function partsAt(parts: Iterable<readonly [string | number, ValueNode]>, path: Place): ValueNode[] {
  const [next] = path
  const all = [...parts]
  const meant = next === undefined ? all : all.filter(([name]) => String(name) === next)
  return meant.map(([, part]) => part)
}

function firstOf(parts: readonly ValueNode[], path: Place, variables: Variables) {
  const found = parts.map((part) => findLossy(part, path, variables))
  return found.find((source) => source !== undefined)
}

/** With its positions in lists, or without. */
function isUnder({ path }: LossyNumber, place: Place): boolean {
  const unlisted = place.filter((name) => !/^\d+$/.test(name))
  return [place, unlisted].some((names) => names.every((name, at) => path[at + 1] === name))
}

function refusal(source: string): string {
  const shown = source.length > 40 ? `${source.slice(0, 40)}…` : source
  return `the number ${shown} would lose digits on the way; send the payload as payloadText.`
}
