import { distance } from 'fastest-levenshtein'
import { eventTypeNameLengthMax, eventTypesPerEndpointMax } from '../limits.ts'

/** The pattern for every event type, those to come included. */
const everything = '*'

/**
 * Whether one of an endpoint's patterns means an event type. A pattern is an exact name, a prefix
 * such as `invoice.*` (all below, at any depth, not `invoice` itself), or `*`.
 */
export function matches(patterns: readonly string[], eventType: string): boolean {
  return patterns.some((pattern) => {
    if (pattern === everything || pattern === eventType) return true
    return pattern.endsWith('.*') && eventType.startsWith(pattern.slice(0, -1))
  })
}

/** What is wrong with the name of an event type: segments of [A-Za-z0-9_-] joined by dots. */
export function checkEventTypeName(name: string): string | undefined {
  if (name.length > eventTypeNameLengthMax) {
    return `${name.length} characters, limit ${eventTypeNameLengthMax}.`
  }
  if (/^[\w-]+(\.[\w-]+)*$/.test(name)) return undefined
  return 'must be segments of letters, digits, "_" and "-", joined by dots.'
}

/** One wrong pattern; no index means the list as a whole. */
export type PatternIssue = { readonly index: number | undefined; readonly message: string }

/** The patterns to store, or all that is wrong with them. */
export type NormalisedPatterns =
  | { readonly ok: true; readonly patterns: readonly string[] }
  | { readonly ok: false; readonly issues: readonly PatternIssue[] }

/** A list of patterns without repeats; `*` replaces whatever stands beside it. */
export function normalisePatterns(list: readonly string[]): NormalisedPatterns {
  const patterns = list.includes(everything) ? [everything] : [...new Set(list)]
  const issues = [...checkPatternCount(patterns), ...list.flatMap(checkPattern)]
  return issues.length === 0 ? { ok: true, patterns } : { ok: false, issues }
}

function checkPatternCount({ length }: readonly string[]): PatternIssue[] {
  if (length > 0 && length <= eventTypesPerEndpointMax) return []
  const message =
    length === 0
      ? 'must name at least one event type, or be ["*"].'
      : `${length} event types, limit ${eventTypesPerEndpointMax}.`
  return [{ index: undefined, message }]
}

function checkPattern(pattern: string, index: number): PatternIssue[] {
  if (pattern === everything) return []
  const problem = checkEventTypeName(pattern.endsWith('.*') ? pattern.slice(0, -2) : pattern)
  return problem ? [{ index, message: problem }] : []
}

/** Who subscribes to what. */
export type Subscription = { readonly endpointId: string; readonly patterns: readonly string[] }

/** The subscriptions of a workspace, turned round. */
export type Subscriptions = {
  /** The endpoints that an event of this type goes to, each once. */
  readonly targetsOf: (eventType: string) => readonly string[]
}

/**
 * Makes subscriptions ready for publishing: one map lookup for the name and one for each of its
 * prefixes, instead of a look at every endpoint of the workspace.
 */
export function compileSubscriptions(subscriptions: readonly Subscription[]): Subscriptions {
  const endpoints = new Map<string, string[]>()
  for (const { endpointId, patterns } of subscriptions) {
    for (const pattern of new Set(patterns)) {
      const found = endpoints.get(pattern)
      if (found) found.push(endpointId)
      else endpoints.set(pattern, [endpointId])
    }
  }
  return {
    targetsOf: (eventType) =>
      unite(patternsFor(eventType).map((pattern) => endpoints.get(pattern))),
  }
}

/** Every pattern that means this type: `a.b.c` is meant by `*`, itself, `a.*` and `a.b.*`. */
export function patternsFor(eventType: string): string[] {
  const patterns = [everything, eventType]
  for (let dot = eventType.indexOf('.'); dot >= 0; dot = eventType.indexOf('.', dot + 1)) {
    patterns.push(`${eventType.slice(0, dot)}.*`)
  }
  return patterns
}

/** An endpoint may name a type twice (`invoice.*` and `invoice.paid`); it gets one delivery. */
function unite(lists: readonly (readonly string[] | undefined)[]): readonly string[] {
  const found = lists.filter((list) => list !== undefined)
  return found.length === 1 && found[0] ? found[0] : [...new Set(found.flat())]
}

/** The refusal of a name that no event type has, with the one that was probably meant. */
export function unknownName(name: string, known: readonly string[]): string {
  const near = nearestName(name, known)
  return `"${name}" is not in the catalogue.${near ? ` Did you mean "${near}"?` : ''}`
}

/**
 * The known name that was probably meant, for "did you mean": at most one edit in three characters
 * away, letter case aside.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > eventTypeNameLengthMax) return undefined
  const editsMax = Math.max(1, Math.floor(name.length / 3))
  const lower = name.toLowerCase()
  const near = known
    .filter((candidate) => Math.abs(candidate.length - name.length) <= editsMax)
    .map((candidate) => ({ candidate, edits: distance(lower, candidate.toLowerCase()) }))
    .filter(({ edits }) => edits <= editsMax)
  return near.toSorted((a, b) => a.edits - b.edits)[0]?.candidate
}
