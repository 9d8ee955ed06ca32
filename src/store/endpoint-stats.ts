import type { Read } from './reads.ts'

/** Widths of the statistics' bars; days are UTC's. */
export type StatsBucket = 'MINUTE' | 'HOUR' | 'DAY'

/** What statistics are asked of, for many endpoints of one workspace at once. */
export type StatsWish = {
  readonly workspaceId: string
  readonly endpointIds: readonly string[]
  /** Inclusive. */
  readonly since: Date
  /** Exclusive. */
  readonly until: Date
  readonly bucket: StatsBucket
}

/** Attempts that started in one bucket, or, where `start` is null, in the whole range. */
export type StatsRow = {
  readonly endpointId: string
  readonly start: Date | null
  readonly succeeded: number
  readonly failed: number
  readonly durationMsP50: number
  readonly durationMsP95: number
}

/** Rows for the endpoints and buckets that have attempts; one pass gives buckets and totals. */
export function readStats(read: Read, wish: StatsWish): Promise<StatsRow[]> {
  return read({
    text: `/* readStats */
      select endpoint_id as "endpointId", start,
        count(*) filter (where result = 'SUCCEEDED')::int as succeeded,
        count(*) filter (where result <> 'SUCCEEDED')::int as failed,
        percentile_disc(0.5) within group (order by duration_ms) as "durationMsP50",
        percentile_disc(0.95) within group (order by duration_ms) as "durationMsP95"
      from (
        select endpoint_id, result, duration_ms,
          date_bin(('1 ' || $5::text)::interval, started_at, '2000-01-01Z') as start
        from attempt
        where endpoint_id in (
            select id from endpoint where workspace_id = $1 and id = any($2::uuid[]))
          and started_at >= $3 and started_at < $4
      ) attempt
      group by grouping sets ((endpoint_id), (endpoint_id, start))
      order by start`,
    values: [wish.workspaceId, wish.endpointIds, wish.since, wish.until, wish.bucket],
  })
}
