import { readFileSync } from 'node:fs'
import {
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
