import { setTimeout as wait } from 'node:timers/promises'
import type { Figure, Part, Settings } from './support/part.ts'
import { openClients, publishRequest, stampedPayload, startPaced } from './support/publishing.ts'
import { addLoad, openRig, type Rig } from './support/rig.ts'
import { median, quantile } from './support/statistics.ts'
import { deliver } from './support/throughput.ts'
import { addEndpoints, addEventTypes, addWorkspace } from './support/workspace.ts'

/** Single events a second of the workspace that wants to be served meanwhile. */
const singlesPerSecond = 20
const eventType = 'bench.single'
const warmUpMs = 3_000

/**
 * One workspace publishes a burst to 100 endpoints as fast as it is accepted; another one goes on
 * publishing single events to one endpoint. Their way from publishing to the receiver, while the
 * burst is published and delivered, beside the same before and after it.
 */
export const burst: Part = {
  name: 'burst',
  run: async (settings) => {
    await using rig = await openRig()
    const load = await addLoad(rig, {
      endpoints: 100,
      bytes: 1024,
      publishers: settings.publishers,
    })
    const singles = await startSingles(rig)
    await wait(warmUpMs)
    const quiet = [await singles.during(wait(settings.seconds * 500))]
    const busy: number[][] = []
    for (let round = 0; round < settings.rounds; round += 1) {
      busy.push(await singles.during(deliver(rig, load, settings.burst)))
      quiet.push(await singles.during(wait(settings.seconds * 500)))
    }
    await singles.stop()
    return figuresOf(settings, { quiet, busy })
  },
}

async function startSingles({ program, receiver }: Rig) {
  const workspaceId = await addWorkspace(program)
  await addEventTypes(program, [eventType])
  await addEndpoints(program, { workspaceId, urls: [`${receiver.origin}/timed/single`], eventType })
  const clients = openClients(program, 32)
  const paced = startPaced(singlesPerSecond, () => {
    return clients.send(publishRequest({ workspaceId, eventType, payloadText: stampedPayload() }))
  })
  return {
    /** Of the events that arrive while something else goes on. */
    during: async (something: Promise<unknown>): Promise<number[]> => {
      await receiver.takeArrivals()
      await something
      const arrivals = await receiver.takeArrivals()
      return arrivals.map(({ latencyMs }) => latencyMs)
    },
    stop: async () => {
      await paced.stop()
      clients[Symbol.dispose]()
    },
  }
}

type Measured = { readonly quiet: readonly number[][]; readonly busy: readonly number[][] }

function figuresOf({ burst }: Settings, { quiet, busy }: Measured): Figure[] {
  const group = `burst: a single event beside another workspace's ${burst} deliveries`
  const bound = { of: 'ratio', best: 'low', aim: 2 } as const
  const shares = [
    { name: 'single event: half of all', share: 0.5 },
    { name: 'single event: 99 of 100', share: 0.99 },
  ]
  return shares.map(({ name, share }) => {
    const value = median(busy.map((values) => quantile(values, share)))
    const baseline = median(quiet.map((values) => quantile(values, share)))
    const limit = { name: 'without the burst', value: baseline }
    return { group, name, value, unit: 'ms', limit, ratio: value / baseline, bound }
  })
}
