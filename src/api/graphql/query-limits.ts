import { costLimitRule } from '@escape.tech/graphql-armor-cost-limit'
import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases'
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth'
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives'
import { maxTokensPlugin } from '@escape.tech/graphql-armor-max-tokens'
import {
  type ASTNode,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type SelectionSetNode,
  TokenKind,
  validate,
  type ValidationContext,
  visit,
} from 'graphql'
import {
  aliasesMax,
  commentsMax,
  directivesMax,
  pageSizeMax,
  queryCostMax,
  queryDepthMax,
  queryTokensMax,
  selectionsMax,
} from '../../limits.ts'
import { tooComplex } from './operation.ts'

/** Stops the parser at this many tokens, so that deep nesting cannot exhaust its stack. */
export const tokenLimit = maxTokensPlugin({
  n: queryTokensMax,
  onReject: [
    () => {
      const message = `Query has more than ${queryTokensMax} tokens.`
      throw tooComplex('QUERY_TOO_LONG', { message, limit: queryTokensMax })
    },
  ],
})

/** Cheap rules, each one walk over the document: they keep it from the dear ones. */
const shapeRules = [
  maxDepthRule({ ...options('QUERY_TOO_DEEP', 'depth', queryDepthMax), flattenFragments: true }),
  maxAliasesRule(options('TOO_MANY_ALIASES', 'number of aliases', aliasesMax)),
  maxDirectivesRule(options('TOO_MANY_DIRECTIVES', 'number of directives', directivesMax)),
  selectionsRule,
]

/**
 * Two for an object, one for a value, times the size of each page they are on. Depth costs nothing
 * more: it has a limit of its own.
 */
const costRule = costLimitRule({
  ...options('QUERY_TOO_COMPLEX', 'cost', queryCostMax),
  maxCost: queryCostMax,
  depthCostFactor: 1,
  flattenFragments: true,
})

/** Documents that passed, by the sizes of their pages: yoga parses the same text once. */
const passed = new WeakMap<DocumentNode, Set<string>>()
const passedSizesMax = 100

/** Refuses what would cost too much to execute, or even to validate. */
export function refuseCostly(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
): void {
  const before = passed.get(document) ?? new Set()
  const sizes = pageSizes(variables)
  if (before.has(sizes)) return
  refuseComments(document)
  const [tooLarge] = validate(schema, document, shapeRules)
  const [error] = tooLarge ? [tooLarge] : validate(schema, sized(document, variables), [costRule])
  if (error) throw error.originalError ?? error
  if (before.size < passedSizesMax) passed.set(document, before.add(sizes))
}

/** Every number among the variables: any of them may be the size of a page. */
function pageSizes(variables: Readonly<Record<string, unknown>>): string {
  const numbers = Object.entries(variables).filter(([, value]) => typeof value === 'number')
  return JSON.stringify(numbers)
}

/** No token limit counts comments, and an operation needs few. */
function refuseComments({ loc }: DocumentNode): void {
  let actual = 0
  for (let token = loc?.startToken; token; token = token.next ?? undefined) {
    if (token.kind === TokenKind.COMMENT) actual += 1
  }
  if (actual <= commentsMax) return
  const message = `Query has ${actual} comments, limit ${commentsMax}.`
  throw tooComplex('QUERY_TOO_LONG', { message, limit: commentsMax, actual })
}

/**
 * The rule reads page sizes as literals alone, so those of variables are written in. One that is
 * not given may have a default: it counts as the largest page there is.
 */
function sized(document: DocumentNode, variables: Readonly<Record<string, unknown>>): DocumentNode {
  const argument = { enter: (node: ASTNode) => sizedArgument(node, variables) }
  return visit(document, { [Kind.ARGUMENT]: argument })
}

function sizedArgument(node: ASTNode, variables: Readonly<Record<string, unknown>>) {
  if (node.kind !== Kind.ARGUMENT || node.value.kind !== Kind.VARIABLE) return undefined
  if (node.name.value !== 'first' && node.name.value !== 'last') return undefined
  const value = variables[node.value.name.value]
  const given = typeof value === 'number' ? value : pageSizeMax
  // What is over is refused as a page size, which says more than its cost does.
  const size = Math.trunc(Math.min(given, pageSizeMax))
  return { ...node, value: { kind: Kind.INT, value: String(size) } }
}

/** Named fragments are selections of their own here: their fields are counted where they stand. */
function selectionsRule(context: ValidationContext) {
  return {
    [Kind.SELECTION_SET]: ({ selections: { length: actual } }: SelectionSetNode) => {
      if (actual <= selectionsMax) return
      const message = `Query selects ${actual} times at one place, limit ${selectionsMax}.`
      const details = { message, limit: selectionsMax, actual }
      const originalError = tooComplex('TOO_MANY_FIELDS', details)
      context.reportError(new GraphQLError(message, { originalError }))
    },
  }
}

/** A rule that reports instead of throwing: its answer is 400, and not a failure of ours. */
function options(reason: string, what: string, limit: number) {
  return {
    n: limit,
    propagateOnRejection: false,
    onReject: [
      (context: ValidationContext | null, error: GraphQLError) => {
        const actual = Number(/found ([\d.]+)/.exec(error.message)?.[1])
        const message = `Query ${what} ${actual} is over the limit of ${limit}.`
        const originalError = tooComplex(reason, { message, limit, actual })
        context?.reportError(new GraphQLError(message, { originalError }))
      },
    ],
  }
}
