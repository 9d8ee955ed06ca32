import { dayMs, logSpanMsMax } from '../limits.ts'
import { uuidFloor } from '../rules/id.ts'
import { lowest } from './partition.ts'
import type { Read } from './reads.ts'
import { afterAllIds, beforeAllIds, type Slice } from './slice.ts'

/** Ids strictly between these are all there are. */
export type LogSpan = Pick<Slice, 'newerThan' | 'olderThan'>

/** A part of the log, and the days that it has. */
export type LogSlice = Slice & { readonly days: LogSpan }

/** Of no day nothing is known. */
export const anyDay: LogSpan = { newerThan: beforeAllIds, olderThan: afterAllIds }

/**
 * The span of the partitions of days, read anew when it is older than `logSpanMsMax`. Within it
 * PostgreSQL knows that the default partition, which has no place in the order of days, is not
 * needed, and reads day after day until it has enough. Otherwise it first looks for a row in each
 * day: "the last 100 that are RETRYING" among 400,000 took 87 ms. While the default partition holds
 * rows they may be of any time, and there is no span.
 */
export function newLogSpan(read: Read): () => Promise<LogSpan> {
  let known: Promise<LogSpan> | undefined
  let readAtMs = 0
  return () => {
    if (known && performance.now() - readAtMs < logSpanMsMax) return known
    readAtMs = performance.now()
    const reading = readSpan(read)
    reading.catch(() => {
      known = undefined // the caller reports it; the next one asks again
    })
    known = reading
    return reading
  }
}

/** The part of a slice that lies in the span. */
export function within<Part extends LogSpan>(slice: Part, span: LogSpan): Part {
  return {
    ...slice,
    newerThan: slice.newerThan > span.newerThan ? slice.newerThan : span.newerThan,
    olderThan: slice.olderThan < span.olderThan ? slice.olderThan : span.olderThan,
  }
}

/** The ids of a range of times: `since` is in it, `until` is not. */
export function spanOf(since: Date | null, until: Date | null): LogSpan {
  return {
    newerThan: since ? lowest(uuidFloor(since.getTime())) : beforeAllIds,
    olderThan: until ? uuidFloor(until.getTime()) : afterAllIds,
  }
}

async function readSpan(read: Read): Promise<LogSpan> {
  const [row] = await read<{ first: Date | null; last: Date | null; strays: boolean }>({
    text: `/* readSpan */
      select min(day) as first, max(day) as last,
        exists (select from delivery_default) or exists (select from event_default) as strays
      from (
        select to_date(right(child.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC' as day
        from pg_inherits
        join pg_class child on child.oid = inhrelid
        where inhparent = 'delivery'::regclass and child.relname ~ '_[0-9]{8}$'
      ) partition`,
    values: [],
  })
  if (!row?.first || !row.last || row.strays) return anyDay
  const end = new Date(row.last.getTime() + dayMs)
  return {
    newerThan: spanOf(row.first, null).newerThan,
    olderThan: lowest(spanOf(null, end).olderThan),
  }
}
