import { logBytes } from './support/database.ts'
import type { Bound, Figure, Part } from './support/part.ts'
import { peakMegabytes, treeMegabytes } from './support/processes.ts'
import { addLoad, openRig, startLimit, type Rig } from './support/rig.ts'
import { median } from './support/statistics.ts'
import { measureThroughput, type Throughput } from './support/throughput.ts'
import { startUndiciWithReceiver } from './support/undici-limit.ts'

/**
 * Durable deliveries a second: published over the API by several clients in batches of about 500
 * deliveries, sent, answered and recorded, all within the measured time. The limit is what undici
 * alone sends of the same signed requests from memory, to the same receiver in the same run.
 */
export const deliveries: Part = {
  name: 'deliveries',
  run: async (settings) => {
    const figures: Figure[] = []
    for (const endpoints of settings.endpoints) {
      for (const bytes of settings.bytes) {
        const count = bytes > 4096 ? settings.deliveries / 2 : settings.deliveries
        const { rounds, publishers } = settings
        figures.push(
          ...(await measureCase({ endpoints, bytes, deliveries: count, rounds, publishers })),
        )
      }
    }
    return figures
  },
}

type Case = {
  readonly endpoints: number
  readonly bytes: number
  readonly deliveries: number
  readonly rounds: number
  readonly publishers: number
}

async function measureCase(wish: Case): Promise<Figure[]> {
  await using rig = await openRig()
  const load = await addLoad(rig, wish)
  const emptyBytes = await logBytes(rig.database)
  await using limit = await startLimit(rig, load)
  await using oneProcess = await startUndiciWithReceiver(load.event.payloadText)
  const before = await oneProcess.measure(wish.deliveries)
  const throughput = await measureThroughput({ rig, load, limit }, wish)
  const after = await oneProcess.measure(wish.deliveries)
  const delivered = await countDelivered(rig)
  const tableBytes = ((await logBytes(rig.database)) - emptyBytes) / delivered
  const group = `deliveries: ${wish.endpoints} endpoints, ${wish.bytes} bytes`
  const bound = bounds.get(wish.endpoints)
  return [
    besideOneProcess(throughput.deliveredPerSecond, [before.perSecond, after.perSecond]),
    ...rates(throughput, bound),
    ...costs(throughput),
    ...(await sizes(rig, throughput, tableBytes)),
  ].map((figure) => ({ group, ...figure }))
}

/** Of the limit in one process, before and after the rounds. */
function besideOneProcess(deliveredPerSecond: number, limits: readonly number[]): Line {
  const limit = median(limits)
  return {
    name: 'delivered',
    value: deliveredPerSecond,
    unit: '/s',
    limit: { name: 'undici and receiver in one process', value: limit },
    ratio: deliveredPerSecond / limit,
  }
}

/** Of the same requests sent by undici alone. */
const bounds: ReadonlyMap<number, Bound> = new Map([
  [100, { of: 'ratio', best: 'high', aim: 0.6, floor: 0.45 }],
  [1000, { of: 'ratio', best: 'high', aim: 0.5, floor: 0.4 }],
])

/** The log must show every one of them as delivered: a benchmark that loses some is none. */
async function countDelivered({ database }: Rig): Promise<number> {
  const { rows } = await database.pool.query<{ all: number; delivered: number }>(
    `select count(*)::int as all, count(*) filter (where status = 'SUCCEEDED')::int as delivered
     from delivery`,
  )
  const { all = 0, delivered = 0 } = rows[0] ?? {}
  if (all !== delivered) throw new Error(`Of ${all} deliveries ${delivered} were delivered.`)
  return delivered
}

type Line = Omit<Figure, 'group'>

function rates({ limit, ratio, ...round }: Throughput, bound: Bound | undefined): Line[] {
  return [
    {
      name: 'delivered',
      value: round.deliveredPerSecond,
      unit: '/s',
      limit: { name: 'undici alone', value: limit.perSecond },
      ratio,
      ...(bound && { bound }),
    },
    { name: 'published meanwhile', value: round.publishedPerSecond, unit: '/s' },
  ]
}

/** Processor time of one delivery: what a machine with more to do cannot change much. */
function costs({ micros, limit }: Throughput): Line[] {
  const beside = (value: number, bare: number) => ({
    limit: { name: 'undici alone', value: bare },
    ratio: value / bare,
  })
  const all = micros.program + micros.postgres + micros.receiver + micros.publishers
  const program = beside(micros.program, limit.senderMicros)
  const receiver = beside(micros.receiver, limit.receiverMicros)
  const total = beside(all, limit.senderMicros + limit.receiverMicros)
  return [
    { name: 'processor time: program', value: micros.program, unit: 'µs', ...program },
    { name: 'processor time: PostgreSQL', value: micros.postgres, unit: 'µs' },
    { name: 'processor time: receiver', value: micros.receiver, unit: 'µs', ...receiver },
    { name: 'processor time: publishing clients', value: micros.publishers, unit: 'µs' },
    { name: 'processor time: all', value: all, unit: 'µs', ...total },
  ]
}

async function sizes(
  { program, database }: Rig,
  { walBytes }: Throughput,
  tableBytes: number,
): Promise<Line[]> {
  const limit = { name: 'in tables and indexes', value: tableBytes }
  const peak = await peakMegabytes(program.processes.map(({ pid }) => pid))
  return [
    {
      name: 'write-ahead log of a delivery',
      value: walBytes,
      unit: 'B',
      limit,
      ratio: walBytes / tableBytes,
    },
    { name: 'tables and indexes of a delivery', value: tableBytes, unit: 'B' },
    { name: 'memory: program, at most', value: peak, unit: 'MB' },
    { name: 'memory: PostgreSQL', value: await treeMegabytes(database.serverPid), unit: 'MB' },
  ]
}
