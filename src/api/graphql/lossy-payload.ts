import { Kind, type ValueNode } from 'graphql'
import { invalidInput } from '../../errors.ts'
import { losesDigits, type LossyNumber, lossyNumbers } from '../../rules/json-number.ts'

/** The mutation's `input` as it was written, and the body its variables came in. */
export type WrittenInput = { readonly input: ValueNode | undefined; readonly bodyText: string }

/**
 * Refuses payloads with a number that JSON parsing has already changed: what is signed must be what
 * was published (promise P5). Only the request as it was written can tell. `payloads` are the places
 * of payloads below `input`.
 */
export function refuseLossyPayloads(
  written: WrittenInput,
  payloads: readonly (readonly string[])[],
): void {
  if (!written.input || payloads.length === 0) return
  const inVariables = [...lossyNumbers(written.bodyText)].filter(({ path }) => {
    return path[0] === 'variables'
  })
  const issues = payloads.flatMap((path) => {
    const source = written.input && findLossy(written.input, path, inVariables)
    return source === undefined ? [] : [{ path, message: refusal(source) }]
  })
  if (issues.length > 0) throw invalidInput(issues)
}

/** The first number under `path` that loses digits, as it is written. */
function findLossy(
  node: ValueNode,
  path: readonly string[],
  inVariables: readonly LossyNumber[],
): string | undefined {
  switch (node.kind) {
    case Kind.VARIABLE:
      return inVariables.find((lossy) => isUnder(lossy, [node.name.value, ...path]))?.source
    case Kind.INT:
    case Kind.FLOAT:
      return losesDigits(node.value) ? node.value : undefined
    case Kind.LIST:
      return firstOf(partsAt(node.values.entries(), path), path, inVariables)
    case Kind.OBJECT:
      return firstOf(
        partsAt(
          node.fields.map((field) => [field.name.value, field.value] as const),
          path,
        ),
        path,
        inVariables,
      )
    default:
      return undefined
  }
}

type Part = ValueNode

/** The one part the path goes on through; at its end all of them. */
function partsAt(
  parts: Iterable<readonly [string | number, Part]>,
  path: readonly string[],
): Part[] {
  const [next] = path
  const all = [...parts]
  const meant = next === undefined ? all : all.filter(([name]) => String(name) === next)
  return meant.map(([, part]) => part)
}

function firstOf(
  parts: readonly Part[],
  path: readonly string[],
  inVariables: readonly LossyNumber[],
): string | undefined {
  const found = parts.map((part) => findLossy(part, path.slice(1), inVariables))
  return found.find((source) => source !== undefined)
}

function isUnder({ path }: LossyNumber, place: readonly string[]): boolean {
  return place.every((name, index) => path[index + 1] === name)
}

function refusal(source: string): string {
  const shown = source.length > 40 ? `${source.slice(0, 40)}…` : source
  return `the number ${shown} would lose digits on the way; send the payload as payloadText.`
}
