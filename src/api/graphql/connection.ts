import { invalidInput } from '../../errors.ts'
import { pageSizeMax } from '../../limits.ts'
import { afterAllIds, beforeAllIds, type Slice } from '../../store/slice.ts'
import type { CursorScope, Cursors } from './cursor.ts'

/** The arguments of every connection, by the Relay specification. */
export type PageArgs = {
  readonly first?: number | null | undefined
  readonly after?: string | null | undefined
  readonly last?: number | null | undefined
  readonly before?: string | null | undefined
}

/** One row of a page, with its place in the list. */
export type Edge<Row> = { readonly cursor: string; readonly node: Row }

/** Where a page lies in its list; see the Relay specification. */
export type PageInfo = {
  readonly hasNextPage: boolean
  readonly hasPreviousPage: boolean
  readonly startCursor: string | null
  readonly endCursor: string | null
}

/** One page of a list, newest first whichever end it was read from. */
export type Connection<Row> = {
  readonly edges: readonly Edge<Row>[]
  readonly nodes: readonly Row[]
  readonly pageInfo: PageInfo
}

/** One list, as asked for. */
export type PageRequest = {
  readonly args: PageArgs
  readonly cursors: Cursors
  /** What the cursors of this list are bound to. */
  readonly scope: CursorScope
}

/**
 * Reads one page by key: no offset, so a page costs the same wherever it is, and rows that arrive
 * while a reader turns pages neither repeat nor hide others. `load` gets one row more to read than
 * the page has; that row only says whether there is another page.
 */
export async function loadConnection<Row extends { readonly id: string }>(
  request: PageRequest,
  load: (slice: Slice) => Promise<readonly Row[]>,
): Promise<Connection<Row>> {
  const { args } = request
  const { size, order } = readSize(args)
  const slice = { ...readBounds(request), order, limit: size + 1 }
  const rows = await load(slice)
  const page = rows.slice(0, size)
  const more = rows.length > size
  if (order === 'oldest') page.reverse()
  const edges = page.map((node) => ({ cursor: writeCursor(request, node.id), node }))
  return {
    edges,
    nodes: page,
    pageInfo: {
      // Away from the end the page was read from, the row of the given cursor itself is there.
      hasNextPage: order === 'newest' ? more : isGiven(args.before),
      hasPreviousPage: order === 'oldest' ? more : isGiven(args.after),
      startCursor: edges.at(0)?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  }
}

function readSize({ first, last }: PageArgs): { size: number; order: Slice['order'] } {
  if (isGiven(first) === isGiven(last)) {
    throw refused('first', 'exactly one of "first" and "last" is required.')
  }
  const name = isGiven(first) ? 'first' : 'last'
  const size = first ?? last ?? 0
  if (size < 1 || size > pageSizeMax) {
    throw refused(name, `must be between 1 and ${pageSizeMax}, got ${size}.`)
  }
  return { size, order: name === 'first' ? 'newest' : 'oldest' }
}

function readBounds(request: PageRequest): Pick<Slice, 'newerThan' | 'olderThan'> {
  return {
    olderThan: readCursor(request, 'after') ?? afterAllIds,
    newerThan: readCursor(request, 'before') ?? beforeAllIds,
  }
}

function readCursor({ args, cursors, scope }: PageRequest, name: 'after' | 'before') {
  const text = args[name]
  if (!isGiven(text)) return undefined
  const position = cursors.read(scope, text)
  if (position?.length !== 16) throw refused(name, 'not a valid cursor.')
  return idOfBytes(position)
}

function writeCursor({ cursors, scope }: PageRequest, id: string): string {
  return cursors.write(scope, idToBytes(id))
}

/** The 16 bytes of a UUID. */
export function idToBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex')
}

/** The UUID of 16 bytes. */
export function idOfBytes(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function isGiven<Value>(value: Value | null | undefined): value is Value {
  return value !== null && value !== undefined
}

function refused(argument: string, message: string) {
  return invalidInput([{ path: [argument], message }])
}
