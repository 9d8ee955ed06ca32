import { invalidInput } from '../../errors.ts'
import { dayMs, statsBucketsMax } from '../../limits.ts'
import type { StatsBucket, StatsRow } from '../../store/endpoint-stats.ts'
import { builder } from './builder.ts'
import { readDateTimeRange } from './date-time-range.ts'
import { valuesOf } from './enum-values.ts'
import { EndpointRef } from './refs.ts'

const bucketMs: Record<StatsBucket, number> = { MINUTE: 60_000, HOUR: 3_600_000, DAY: dayMs }

type Bar = Omit<StatsRow, 'endpointId' | 'start' | 'durationMsP50' | 'durationMsP95'> & {
  readonly start: Date
  readonly durationMsP50: number | null
  readonly durationMsP95: number | null
}

type Stats = Omit<Bar, 'start'> & { readonly buckets: readonly Bar[] }

const nothing = { succeeded: 0, failed: 0, durationMsP50: null, durationMsP95: null }

const StatsBucketEnum = builder.enumType('StatsBucket', {
  description: 'How wide the bars are. They begin at full minutes, hours and days of UTC.',
  values: valuesOf({ MINUTE: '60 s.', HOUR: '60 minutes.', DAY: '24 hours.' }),
})

const BarRef = builder.objectRef<Bar>('EndpointStatsBucket').implement({
  description: 'The attempts that started in one minute, hour or day.',
  fields: (t) => ({
    start: t.expose('start', { type: 'DateTime', description: 'When it begins.' }),
    succeeded: t.exposeInt('succeeded', { description: 'Attempts that were answered with 2xx.' }),
    failed: t.exposeInt('failed', { description: 'All others.' }),
    durationMsP50: t.exposeInt('durationMsP50', {
      nullable: true,
      description: 'Half of them took no longer, in ms; null without attempts.',
    }),
    durationMsP95: t.exposeInt('durationMsP95', {
      nullable: true,
      description: '95 of 100 took no longer, in ms; null without attempts.',
    }),
  }),
})

const StatsRef = builder.objectRef<Stats>('EndpointStats').implement({
  description: 'The attempts that started in a range of time.',
  fields: (t) => ({
    attempts: t.int({
      description: 'How many there were.',
      resolve: ({ succeeded, failed }) => succeeded + failed,
    }),
    succeeded: t.exposeInt('succeeded', { description: 'Attempts that were answered with 2xx.' }),
    failed: t.exposeInt('failed', { description: 'All others.' }),
    durationMsP50: t.exposeInt('durationMsP50', {
      nullable: true,
      description: 'Half of them took no longer, in ms; null without attempts.',
    }),
    durationMsP95: t.exposeInt('durationMsP95', {
      nullable: true,
      description: '95 of 100 took no longer, in ms; null without attempts.',
    }),
    buckets: t.field({
      type: [BarRef],
      description: 'The range in bars, oldest first and without holes.',
      resolve: ({ buckets }) => [...buckets],
    }),
  }),
})

builder.objectField(EndpointRef, 'stats', (t) =>
  t.field({
    type: StatsRef,
    description: 'How its attempts went.',
    args: {
      since: t.arg({
        type: 'DateTime',
        description: 'The first moment; a day before `until` unless given.',
      }),
      until: t.arg({ type: 'DateTime', description: 'The first moment after; now unless given.' }),
      bucket: t.arg({
        type: StatsBucketEnum,
        description: 'Minutes for up to 3 hours, hours for up to 8 days, else days, unless given.',
      }),
    },
    resolve: async ({ id, workspaceId }, args, { services, loaders }) => {
      const range = readRange(args, services.clock.now())
      const rows = await loaders.stats.load({ workspaceId, endpointId: id, ...range })
      return statsOf(rows, range)
    },
  }),
)

type Range = { readonly since: Date; readonly until: Date; readonly bucket: StatsBucket }
type Asked = { readonly [Name in keyof Range]?: Range[Name] | null | undefined }

function readRange(asked: Asked, now: Date): Range {
  // To the minute, so that all endpoints of a request share one statement.
  const minute = Math.ceil(now.getTime() / bucketMs.MINUTE) * bucketMs.MINUTE
  const until = asked.until ?? new Date(minute)
  const since = asked.since ?? new Date(until.getTime() - bucketMs.DAY)
  readDateTimeRange({ since, until }, ['since'])
  const lengthMs = until.getTime() - since.getTime()
  const bucket = asked.bucket ?? widthFor(lengthMs)
  const bars = countBars({ since, until, bucket })
  if (bars <= statsBucketsMax) return { since, until, bucket }
  const message = `${bars} bars, limit ${statsBucketsMax}; ask for wider ones or a shorter time.`
  throw invalidInput([{ path: ['bucket'], message }])
}

function firstStart({ since, bucket }: Range): number {
  return Math.floor(since.getTime() / bucketMs[bucket]) * bucketMs[bucket]
}

function countBars(range: Range): number {
  return Math.ceil((range.until.getTime() - firstStart(range)) / bucketMs[range.bucket])
}

function widthFor(lengthMs: number): StatsBucket {
  if (lengthMs <= 3 * bucketMs.HOUR) return 'MINUTE'
  return lengthMs <= 8 * bucketMs.DAY ? 'HOUR' : 'DAY'
}

function statsOf(rows: readonly StatsRow[], range: Range): Stats {
  const byStart = new Map(rows.map((row) => [row.start?.getTime(), row]))
  return {
    ...(byStart.get(undefined) ?? nothing),
    buckets: Array.from({ length: countBars(range) }, (_, index) => {
      const start = firstStart(range) + index * bucketMs[range.bucket]
      return { ...(byStart.get(start) ?? nothing), start: new Date(start) }
    }),
  }
}
