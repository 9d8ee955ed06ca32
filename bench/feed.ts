import { setTimeout as wait } from 'node:timers/promises'
import { startFeedClients, type FeedClients } from './support/feed-clients.ts'
import type { Figure, Part, Settings } from './support/part.ts'
import { addLoad, openRig, type Load, type Rig } from './support/rig.ts'
import { cpuMicros } from './support/processes.ts'
import { median, ratioToNeighbours } from './support/statistics.ts'
import { deliver, middleOf, type Round } from './support/throughput.ts'

/**
 * What subscribers cost delivery: rounds of throughput with and without them, in turns. First each
 * watches one endpoint of 1,000, as the pages of 1,000 customers do: every change goes to one of
 * them. Then each watches the failures of the whole workspace, as an operator's screens do, of which
 * there are none. The subscribers run on the same machine and cost it something themselves:
 * processor time tells what the program alone spends, and hardly depends on what else goes on.
 */
export const feed: Part = {
  name: 'feed',
  run: async (settings) => {
    await using rig = await openRig()
    const load = await addLoad(rig, {
      endpoints: 1000,
      bytes: 1024,
      publishers: settings.publishers,
    })
    await deliver(rig, load, settings.deliveries / 2)
    const ids = load.endpointIds
    const own = Array.from({ length: settings.subscribers }, (_, index) => {
      return { endpointIds: [ids[index % ids.length]] }
    })
    const failures = own.map(() => ({ statuses: ['FAILED', 'RETRYING'] }))
    const many = `feed: ${settings.subscribers} subscribers`
    const watch = (filters: readonly object[]) => measureWatched(rig, load, { filters, settings })
    return [
      ...figuresOf(`${many}, each watches one of 1000 endpoints`, await watch(own)),
      ...figuresOf(`${many}, all watch failures, there are none`, await watch(failures)),
    ]
  },
}

type Watched = {
  readonly without: readonly CostedRound[]
  readonly beside: readonly CostedRound[]
  /** All subscribers together, of one delivery. */
  readonly messages: number
  /** From the last record to the last message. */
  readonly lagsMs: readonly number[]
}

/** With the program's processor time of one delivery until the last message of it has come. */
type CostedRound = Round & { readonly programMicros: number }

type WatchWish = { readonly filters: readonly object[]; readonly settings: Settings }

async function measureWatched(rig: Rig, load: Load, wish: WatchWish): Promise<Watched> {
  const { filters, settings } = wish
  const lagsMs: number[] = []
  let changes = 0
  /** Also without clients it ends in silence, so that both pay for the same idle time. */
  const round = async (clients?: FeedClients): Promise<CostedRound> => {
    const pids = rig.program.processes.map(({ pid }) => pid)
    const before = await cpuMicros(pids)
    const done = await deliver(rig, load, settings.deliveries)
    const ended = performance.now()
    if (clients) changes += await untilSilent(clients)
    else await wait(silenceMs)
    if (clients) lagsMs.push(performance.now() - ended - silenceMs)
    return { ...done, programMicros: ((await cpuMicros(pids)) - before) / settings.deliveries }
  }
  const without = [await round()]
  const beside: CostedRound[] = []
  for (let count = 0; count < settings.rounds; count += 1) {
    await using clients = await startFeedClients(rig.program, {
      ...{ workspaceId: load.event.workspaceId, filters },
    })
    beside.push(await round(clients))
    without.push(await round())
  }
  return { without, beside, messages: changes / settings.rounds / settings.deliveries, lagsMs }
}

const silenceMs = 500

/** Until no message comes any more; answers how many changes came. */
async function untilSilent(clients: FeedClients): Promise<number> {
  let seen = -1
  for (;;) {
    const { changes } = await clients.progress()
    if (changes === seen) return changes
    seen = changes
    await wait(silenceMs)
  }
}

function figuresOf(group: string, { without, beside, messages, lagsMs }: Watched): Figure[] {
  const rates = (rounds: readonly Round[]) => rounds.map((round) => round.deliveredPerSecond)
  const [alone, watched] = [middleOf(without), middleOf(beside)]
  const cost = (rounds: readonly CostedRound[]) => median(rounds.map((one) => one.programMicros))
  const limit = (value: number) => ({ name: 'without subscribers', value })
  return [
    {
      ...{ group, name: 'delivered', value: watched.deliveredPerSecond, unit: '/s' },
      limit: limit(alone.deliveredPerSecond),
      ratio: ratioToNeighbours(rates(beside), rates(without)),
      bound: { of: 'ratio', best: 'high', aim: 0.8 },
    },
    {
      ...{ group, name: 'processor time: program', value: cost(beside), unit: 'µs' },
      limit: limit(cost(without)),
      ratio: cost(beside) / cost(without),
      bound: { of: 'ratio', best: 'low', aim: 1.2 },
    },
    { group, name: 'messages of one delivery', value: messages, unit: '' },
    { group, name: 'last message after the last record', value: median(lagsMs), unit: 'ms' },
  ]
}
