import { GraphQLError, Kind, type ValueNode } from 'graphql'
import { payloadDepthMax } from '../../limits.ts'
import { builder } from './builder.ts'

const datePart = /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])/
const timePart = /T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?/
const zonePart = /(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/
/** RFC 3339, section 5.6, without leap seconds, for which `Date` has no place. */
const rfc3339 = new RegExp(datePart.source + timePart.source + zonePart.source, 'i')

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
  if (typeof value !== 'string') throw notADateTime(value)
  const [text = '', year, month, day] = rfc3339.exec(value) ?? []
  const date = new Date(text)
  const lastDay = new Date(0)
  lastDay.setUTCFullYear(Number(year), Number(month), 0)
  const exists = Number(day) <= lastDay.getUTCDate()
  // A zone can carry a date over the year 9999, and PostgreSQL has no year 0.
  const inRange = date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9999
  if (exists && inRange) return date
  throw notADateTime(value)
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
