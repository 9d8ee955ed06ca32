import { readFileSync } from 'node:fs'
import {
  buildSchema,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  lexicographicSortSchema,
  printSchema,
} from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../src/api/graphql/schema.ts'
import { brokenPromises, undatedDeprecations } from '../../src/api/graphql/schema-promises.ts'

type Described = { readonly name: string; readonly description?: string | null | undefined }

test('everything in the schema says what it is', () => {
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => isOurs(name))

  const silent = types.flatMap((type) =>
    partsOf(type).flatMap(([path, { description }]) => (description ? [] : [path])),
  )

  expect(types.length).toBeGreaterThan(50)
  expect(silent).toEqual([])
})

test('schema.graphql is the schema of this code', () => {
  const printed = `${printSchema(lexicographicSortSchema(schema))}\n`

  const file = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8')

  expect(file).toBe(printed)
})

test('nothing breaks clients of the last release', () => {
  const file = readFileSync(new URL('../../schema.released.graphql', import.meta.url), 'utf8')

  expect(brokenPromises(buildSchema(file), schema)).toEqual([])
})

const before = 'type Query { a(b: Int): Int c: Color } enum Color { RED GREEN }'

test.each([
  ['a field', 'type Query { c: Color x: Int } enum Color { RED GREEN }', 'Query.a was removed.'],
  [
    'an enum value',
    'type Query { a(b: Int): Int c: Color } enum Color { RED }',
    'GREEN was removed from enum type Color.',
  ],
  [
    'an optional argument',
    'type Query { a(b: Int!): Int c: Color } enum Color { RED GREEN }',
    'Query.a arg b has changed type from Int to Int!.',
  ],
])('a schema without %s breaks clients', (_what, after, change) => {
  expect(brokenPromises(buildSchema(before), buildSchema(after))).toEqual([change])
})

test('a schema that only grows breaks nobody', () => {
  const after =
    'type Query { a(b: Int, d: Int): Int c: Color e: Int } enum Color { RED GREEN BLUE }'

  expect(brokenPromises(buildSchema(before), buildSchema(after))).toEqual([])
})

test('a deprecation says until when it stays', () => {
  const deprecated = buildSchema(`
    type Query {
      a(b: Int @deprecated(reason: "Use c.")): Int @deprecated
      c: Int @deprecated(reason: "Use d. Stays until 2027-03-01.")
      d(color: Color, input: In): Int
    }
    enum Color { RED @deprecated(reason: "Until 2027-13-01.") GREEN }
    input In { e: Int @deprecated(reason: "Soon.") }
  `)

  expect(undatedDeprecations(deprecated).toSorted()).toEqual([
    'Color.RED',
    'In.e',
    'Query.a',
    'Query.a.b',
  ])
  expect(undatedDeprecations(schema)).toEqual([])
})

function isOurs(name: string): boolean {
  return !name.startsWith('__') && !['String', 'Int', 'Float', 'Boolean', 'ID'].includes(name)
}

/** A type with its fields, their arguments, and its values, each by its path. */
function partsOf(type: GraphQLNamedType): [path: string, part: Described][] {
  const below = (owner: string, parts: readonly Described[]) =>
    parts.map((part): [string, Described] => [`${owner}.${part.name}`, part])
  const own: [string, Described][] = [[type.name, type]]
  if (isEnumType(type)) return [...own, ...below(type.name, type.getValues())]
  if (isInputObjectType(type)) return [...own, ...below(type.name, Object.values(type.getFields()))]
  if (!isObjectType(type) && !isInterfaceType(type)) return own
  const fields = Object.values(type.getFields())
  const args = fields.flatMap((field) => below(`${type.name}.${field.name}`, field.args))
  return [...own, ...below(type.name, fields), ...args]
}
