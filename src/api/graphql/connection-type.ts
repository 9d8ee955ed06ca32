import type { ObjectRef } from '@pothos/core'
import { builder } from './builder.ts'
import type { Connection, Edge } from './connection.ts'

type SchemaTypes = (typeof builder)['$inferSchemaTypes']

/** One list, as the schema shows it. */
export type ConnectionNames<Row> = {
  readonly node: ObjectRef<SchemaTypes, Row>
  /** As `Endpoint`: makes `EndpointConnection` and `EndpointEdge`. */
  readonly name: string
  /** As `endpoints`, for descriptions. */
  readonly many: string
}

/** A list that can say how long it is. */
export type CountedConnection<Row> = Connection<Row> & {
  /** Counts only when asked. */
  readonly countAll: () => Promise<number>
}

/** The types of a list by the Relay specification. */
export function connectionType<Row>(names: ConnectionNames<Row>) {
  const ref = builder.objectRef<Connection<Row>>(`${names.name}Connection`)
  implementConnection(ref, names)
  return ref
}

/** The same, with `totalCount`. */
export function countedConnectionType<Row>(names: ConnectionNames<Row>) {
  const ref = builder.objectRef<CountedConnection<Row>>(`${names.name}Connection`)
  implementConnection(ref, names)
  builder.objectField(ref, 'totalCount', (t) =>
    t.int({
      description: `How many ${names.many} there are on all pages together.`,
      resolve: ({ countAll }) => countAll(),
    }),
  )
  return ref
}

/** Describes a connection type that has more than the usual fields, which are added to it. */
export function implementConnection<Row>(
  ref: ObjectRef<SchemaTypes, Connection<Row>>,
  { node, name, many }: ConnectionNames<Row>,
): void {
  const EdgeRef = builder.objectRef<Edge<Row>>(`${name}Edge`).implement({
    description: `One of the ${many} of a page, with its place in the list.`,
    fields: (t) => ({
      cursor: t.exposeString('cursor', { description: 'Its place, to go on from.' }),
      node: t.field({ type: node, description: 'The thing itself.', resolve: shown }),
    }),
  })
  builder.objectType(ref, {
    description: `One page of ${many}, newest first.`,
    fields: (t) => ({
      edges: t.field({
        type: [EdgeRef],
        description: 'The page, each with its cursor.',
        resolve: ({ edges }) => [...edges],
      }),
      nodes: t.field({
        type: [node],
        description: 'The page, without cursors.',
        resolve: ({ nodes }) => [...nodes] as never,
      }),
      pageInfo: t.field({
        type: builder.pageInfoRef(),
        description: 'Where the page is, and whether there are others.',
        resolve: ({ pageInfo }) => pageInfo,
      }),
    }),
  })
}

/** The builder's types cannot follow a type that is a parameter; the value is the edge's own. */
function shown(edge: Edge<unknown>): never {
  return edge.node as never
}
