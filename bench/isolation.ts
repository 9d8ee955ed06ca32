import { setTimeout as wait } from 'node:timers/promises'
import type { Figure, Part, Settings } from './support/part.ts'
import {
  batchRequest,
  openClients,
  publishRequest,
  stampedPayload,
  startPaced,
  type Clients,
} from './support/publishing.ts'
import { openRig, type Rig } from './support/rig.ts'
import { median, quantile } from './support/statistics.ts'
import { addEndpoints, addEventTypes, addWorkspace, switchEndpoints } from './support/workspace.ts'

const healthyEndpoints = 20
const deadEndpoints = 30
/** Events a second, each to every healthy endpoint: load enough to notice, too little to fill. */
const eventsPerSecond = 25
/** What waits for each dead endpoint. */
const backlog = 100
const deadTimeoutSeconds = 5
const warmUpMs = 3_000

/**
 * Healthy endpoints under a steady load, alone and beside endpoints that take a request and never
 * answer, with a backlog. They are enabled and disabled in turns, so that each measurement with
 * them stands between two without. All share one workspace, one program, one receiver.
 */
export const isolation: Part = {
  name: 'isolation',
  run: async (settings) => {
    await using rig = await openRig()
    using clients = openClients(rig.program, 64)
    const scene = await setScene(rig, clients)
    const healthy = startPaced(eventsPerSecond, scene.publishHealthy)
    await wait(warmUpMs)
    const alone = [await latencies(rig, settings)]
    const beside: number[][] = []
    for (let round = 0; round < settings.rounds; round += 1) {
      await scene.begin()
      beside.push(await latencies(rig, settings))
      await scene.end()
      alone.push(await latencies(rig, settings))
    }
    await healthy.stop()
    return figuresOf(alone, beside)
  },
}

const types = { healthy: 'bench.healthy', dead: 'bench.dead' }

async function setScene({ program, receiver }: Rig, clients: Clients) {
  const workspaceId = await addWorkspace(program)
  await addEventTypes(program, Object.values(types))
  const urls = (path: string, count: number) => {
    return Array.from({ length: count }, (_, index) => `${receiver.origin}/${path}/${index}`)
  }
  const healthy = urls('timed/healthy', healthyEndpoints)
  const dead = urls('silent', deadEndpoints)
  const timeoutSeconds = deadTimeoutSeconds
  await addEndpoints(program, { workspaceId, urls: healthy, eventType: types.healthy })
  const deadIds = await addEndpoints(program, {
    ...{ workspaceId, urls: dead, eventType: types.dead, timeoutSeconds },
  })
  const backlogRequest = batchRequest(
    { workspaceId, eventType: types.dead, payloadText: '{"about":"nobody"}' },
    backlog,
  )
  return {
    publishHealthy: () => {
      const event = { workspaceId, eventType: types.healthy, payloadText: stampedPayload() }
      return clients.send(publishRequest(event))
    },
    begin: async () => {
      await switchEndpoints(program, deadIds, 'Enable')
      await clients.send(backlogRequest)
    },
    /** Until the last request to a dead endpoint has timed out. */
    end: async () => {
      await switchEndpoints(program, deadIds, 'Disable')
      await wait(deadTimeoutSeconds * 1000 + 500)
    },
  }
}

async function latencies({ receiver }: Rig, { seconds }: Settings): Promise<number[]> {
  await receiver.takeArrivals()
  await wait(seconds * 1000)
  const arrivals = await receiver.takeArrivals()
  return arrivals.map(({ latencyMs }) => latencyMs)
}

function figuresOf(alone: readonly number[][], beside: readonly number[][]): Figure[] {
  const group = `isolation: ${healthyEndpoints} endpoints beside ${deadEndpoints} that never answer`
  const shares = [
    { name: 'healthy: half of all', share: 0.5 },
    {
      name: 'healthy: 99 of 100',
      share: 0.99,
      bound: { of: 'ratio', best: 'low', aim: 1.5 } as const,
    },
  ]
  return shares.map(({ share, ...figure }) => {
    const value = median(beside.map((values) => quantile(values, share)))
    const baseline = median(alone.map((values) => quantile(values, share)))
    const limit = { name: 'without them', value: baseline }
    return { group, ...figure, value, unit: 'ms', limit, ratio: value / baseline }
  })
}
