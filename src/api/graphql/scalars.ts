import { GraphQLError, Kind, type ValueNode } from 'graphql'
import { payloadDepthMax } from '../../limits.ts'
import { builder } from './builder.ts'

const rfc3339 =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?(?:Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i

builder.scalarType('DateTime', {
  description:
    'A moment, as RFC 3339 text with a zone: `2026-03-19T10:00:00.000Z`. Answers are in UTC with ' +
    'milliseconds; in input any zone will do, and what is finer than a millisecond is cut off.',
  serialize: (value) => value.toISOString(),
  parseValue: readDateTime,
})

builder.scalarType('JSON', {
  description: `Any JSON value, nested at most ${payloadDepthMax} levels deep in input.`,
  serialize: (value) => value,
  parseValue: (value) => {
    if (isDeeper(value, payloadDepthMax)) throw tooDeep()
    return value
  },
  parseLiteral: (node, variables) => readLiteral(node, variables, 0),
})

builder.scalarType('URL', {
  description: 'An absolute URL (WHATWG URL Standard), in its canonical form.',
  serialize: String,
  parseValue: (value) => {
    if (typeof value === 'string' && URL.canParse(value)) return value
    throw new GraphQLError(`${shown(value)} is not a URL.`)
  },
})

/** Days that a month does not have are refused, where `Date` would roll them over. */
function readDateTime(value: unknown): Date {
  const match = typeof value === 'string' ? rfc3339.exec(value) : null
  if (match === null) throw notADateTime(value)
  const [, year, month, day, hour, minute, second] = match.map(Number)
  const fields = [year, month, day, hour, minute, second].map((field) => field ?? 0)
  const [y = 0, m = 0, d = 0, ...time] = fields
  const real = new Date(0)
  real.setUTCFullYear(y, m - 1, d)
  const isReal = real.getUTCMonth() === m - 1 && real.getUTCDate() === d
  const inDay = (time[0] ?? 0) < 24 && (time[1] ?? 0) < 60 && (time[2] ?? 0) < 60
  const date = new Date(String(value))
  // Year 0 has a date but no place in PostgreSQL's calendar; a zone may carry one over 9999.
  if (!isReal || !inDay || Number.isNaN(date.getTime())) throw notADateTime(value)
  if (date.getUTCFullYear() < 1 || date.getUTCFullYear() > 9999) throw notADateTime(value)
  return date
}

function notADateTime(value: unknown): GraphQLError {
  const example = '2026-03-19T10:00:00.000Z'
  return new GraphQLError(`${shown(value)} is not an RFC 3339 time such as ${example}.`)
}

/** A literal in the document, read level by level so that none is deeper than the limit. */
function readLiteral(node: ValueNode, variables: Variables, depth: number): unknown {
  if (depth > payloadDepthMax) throw tooDeep()
  if (node.kind === Kind.NULL) return null
  if (node.kind === Kind.INT || node.kind === Kind.FLOAT) return Number(node.value)
  if (node.kind === Kind.VARIABLE) return variables?.[node.name.value] ?? null
  if (node.kind === Kind.LIST) {
    return node.values.map((item) => readLiteral(item, variables, depth + 1))
  }
  if (node.kind !== Kind.OBJECT) return node.value
  const entries = node.fields.map(({ name, value }) => {
    return [name.value, readLiteral(value, variables, depth + 1)] as const
  })
  return Object.fromEntries(entries)
}

type Variables = Readonly<Record<string, unknown>> | null | undefined

/** Level by level, not by recursion: a request may nest deeper than the stack is. */
function isDeeper(value: unknown, depthMax: number): boolean {
  let level = [value].filter(isContainer)
  for (let depth = 0; depth < depthMax && level.length > 0; depth++) {
    level = level.flatMap((container) => Object.values(container).filter(isContainer))
  }
  return level.length > 0
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function tooDeep(): GraphQLError {
  return new GraphQLError(`JSON nested more than ${payloadDepthMax} levels deep.`)
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
