import { setTimeout as wait } from 'node:timers/promises'
import { Pool } from 'undici'
import { openInsertLimit } from './support/insert-limit.ts'
import type { Figure, Part, Settings } from './support/part.ts'
import { cpuMicros, treeCpuMicros } from './support/processes.ts'
import { openClients, publishRequest, stampedPayload, startPaced } from './support/publishing.ts'
import { openRig, type Rig } from './support/rig.ts'
import { quantile } from './support/statistics.ts'
import { addEndpoints, addEventTypes, addWorkspace } from './support/workspace.ts'

/**
 * From the moment before a client's request to the arrival at the receiver, under a steady rate of
 * single events to one endpoint. The limit does the least that could be called the same, at the
 * same rate: inserts the payload into a bare table, commits, then sends it to the receiver.
 */
export const latency: Part = {
  name: 'latency',
  run: async (settings) => {
    await using rig = await openRig()
    const before = await measureLimit(rig, settings)
    const { latencies, micros } = await measurePublishing(rig, settings)
    const limits = [...before, ...(await measureLimit(rig, settings))]
    const group = `latency: ${settings.rate} events a second, from publishing to the receiver`
    const bound = { of: 'value', best: 'low', aim: 50 } as const
    return [
      { group, name: 'half of all', ...compared(latencies, limits, 0.5) },
      { group, name: '99 of 100', ...compared(latencies, limits, 0.99), bound },
      { group, name: 'processor time of an event: program', value: micros.program, unit: 'µs' },
      { group, name: 'processor time of an event: PostgreSQL', value: micros.postgres, unit: 'µs' },
    ]
  },
}

/** Before anything is measured: code is compiled, connections and lanes are opened. */
const warmUpMs = 3_000
const eventType = 'bench.timed'
const timedPath = '/timed/latency'

async function measurePublishing(rig: Rig, { rate, seconds }: Settings) {
  const { program, receiver } = rig
  const workspaceId = await addWorkspace(program)
  await addEventTypes(program, [eventType])
  await addEndpoints(program, { workspaceId, urls: [receiver.origin + timedPath], eventType })
  using clients = openClients(program, 64)
  const paced = startPaced(rate, () => {
    return clients.send(publishRequest({ workspaceId, eventType, payloadText: stampedPayload() }))
  })
  await wait(warmUpMs)
  await receiver.takeArrivals()
  const before = await spent(rig)
  await wait(seconds * 1000)
  const after = await spent(rig)
  const arrivals = await receiver.takeArrivals()
  await paced.stop()
  const each = (name: keyof typeof after) => (after[name] - before[name]) / arrivals.length
  return {
    latencies: arrivals.map(({ latencyMs }) => latencyMs),
    micros: { program: each('program'), postgres: each('postgres') },
  }
}

async function spent({ program, database }: Rig) {
  return {
    program: await cpuMicros(program.processes.map(({ pid }) => pid)),
    postgres: await treeCpuMicros(database.serverPid),
  }
}

async function measureLimit(
  { database, receiver }: Rig,
  { rate, seconds }: Settings,
): Promise<number[]> {
  await using inserts = await openInsertLimit(database, 8)
  const pool = new Pool(receiver.origin, { connections: 8 })
  const paced = startPaced(rate, async () => {
    const body = stampedPayload()
    await inserts.insertOne(body)
    const answer = await pool.request({ method: 'POST', path: timedPath, body })
    await answer.body.dump()
  })
  await wait(warmUpMs)
  await receiver.takeArrivals()
  await wait(seconds * 500)
  const arrivals = await receiver.takeArrivals()
  await paced.stop()
  await pool.close()
  return arrivals.map(({ latencyMs }) => latencyMs)
}

function compared(
  values: readonly number[],
  limits: readonly number[],
  share: number,
): Pick<Figure, 'value' | 'unit' | 'limit' | 'ratio'> {
  const [value, limit] = [quantile(values, share), quantile(limits, share)]
  return {
    value,
    unit: 'ms',
    limit: { name: 'INSERT, then POST', value: limit },
    ratio: value / limit,
  }
}
