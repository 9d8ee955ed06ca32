import { setTimeout as wait } from 'node:timers/promises'
import { walBytes } from './database.ts'
import { cpuMicros, treeCpuMicros } from './processes.ts'
import { batchRequest, openClients } from './publishing.ts'
import type { Load, Rig } from './rig.ts'
import { median, ratioToNeighbours } from './statistics.ts'
import type { UndiciLimit, UndiciPace } from './undici-limit.ts'

/** Processor time of one delivery in µs, by who spends it. */
export type Costs = {
  readonly program: number
  readonly postgres: number
  readonly receiver: number
  readonly publishers: number
}

/** So many deliveries: published, sent, answered and recorded. */
export type Round = {
  readonly deliveredPerSecond: number
  /** Deliveries that the publishers were answered for, a second. */
  readonly publishedPerSecond: number
  readonly micros: Costs
  readonly walBytes: number
}

/** Medians of several rounds, each between two measurements of the limit. */
export type Throughput = Round & {
  readonly limit: UndiciPace
  readonly ratio: number
}

/** Deliveries of one request of a publisher, about. */
const batchDeliveries = 500

/**
 * Publishes as fast as it is accepted. Ends when as many deliveries as were published have been
 * received and recorded: in a log without a backlog, exactly these.
 */
export async function deliver(rig: Rig, load: Load, deliveries: number): Promise<Round> {
  const { program, receiver } = rig
  const events = Math.max(1, Math.round(batchDeliveries / load.endpointIds.length))
  const requests = Math.ceil(deliveries / events / load.endpointIds.length)
  const count = requests * events * load.endpointIds.length
  using clients = openClients(program, load.publishers)
  const recorded = await recordedBy(rig)
  const received = await receiver.count()
  const before = await spent(rig)
  const started = performance.now()
  const [publishedAt] = await Promise.all([
    clients.sendMany(batchRequest(load.event, events), requests).then(() => performance.now()),
    receiver.reached(received + count),
  ])
  await untilRecorded(rig, recorded + count)
  const elapsedMs = performance.now() - started
  return {
    deliveredPerSecond: (count / elapsedMs) * 1000,
    publishedPerSecond: (count / (publishedAt - started)) * 1000,
    ...sinceThen(before, await spent(rig), count),
  }
}

async function untilRecorded(rig: Rig, wanted: number): Promise<void> {
  while ((await recordedBy(rig)) < wanted) await wait(5)
}

/** Results that are stored, as the program itself counts them. */
function recordedBy({ program }: Rig): Promise<number> {
  return program.metric('postrider_attempts_total{result="SUCCEEDED"}')
}

async function spent({ program, database, receiver }: Rig) {
  return {
    program: await cpuMicros(program.processes.map(({ pid }) => pid)),
    postgres: await treeCpuMicros(database.serverPid),
    receiver: await cpuMicros([receiver.pid]),
    publishers: await cpuMicros([process.pid]),
    walBytes: await walBytes(database),
  }
}

type Spent = Awaited<ReturnType<typeof spent>>

function sinceThen(before: Spent, after: Spent, count: number): Pick<Round, 'micros' | 'walBytes'> {
  const each = (name: keyof Spent) => (after[name] - before[name]) / count
  return {
    micros: {
      program: each('program'),
      postgres: each('postgres'),
      receiver: each('receiver'),
      publishers: each('publishers'),
    },
    walBytes: each('walBytes'),
  }
}

export type RoundsWish = { readonly deliveries: number; readonly rounds: number }

/** The limit, a round, the limit, a round, …: what else the machine does hits both alike. */
export async function measureThroughput(
  { rig, load, limit }: { rig: Rig; load: Load; limit: UndiciLimit },
  { deliveries, rounds }: RoundsWish,
): Promise<Throughput> {
  await deliver(rig, load, deliveries / 2)
  const limits = [await limit.measure(deliveries)]
  const done: Round[] = []
  for (let index = 0; index < rounds; index += 1) {
    done.push(await deliver(rig, load, deliveries))
    limits.push(await limit.measure(deliveries))
  }
  return { ...middleOf(done), ...besideLimits(done, limits) }
}

/** The same without the limit in between, for a load that never rests. */
export function middleOf(rounds: readonly Round[]): Round {
  const middle = (read: (round: Round) => number) => median(rounds.map(read))
  return {
    deliveredPerSecond: middle((round) => round.deliveredPerSecond),
    publishedPerSecond: middle((round) => round.publishedPerSecond),
    walBytes: middle((round) => round.walBytes),
    micros: {
      program: middle((round) => round.micros.program),
      postgres: middle((round) => round.micros.postgres),
      receiver: middle((round) => round.micros.receiver),
      publishers: middle((round) => round.micros.publishers),
    },
  }
}

function besideLimits(rounds: readonly Round[], limits: readonly UndiciPace[]) {
  const rates = rounds.map((round) => round.deliveredPerSecond)
  return {
    limit: {
      perSecond: median(limits.map((limit) => limit.perSecond)),
      senderMicros: median(limits.map((limit) => limit.senderMicros)),
      receiverMicros: median(limits.map((limit) => limit.receiverMicros)),
    },
    ratio: ratioToNeighbours(
      rates,
      limits.map((limit) => limit.perSecond),
    ),
  }
}
