import type { Role } from '../src/config.ts'
import type { Figure, Part, Settings } from './support/part.ts'
import { addLoad, openRig, startLimit } from './support/rig.ts'
import { measureThroughput } from './support/throughput.ts'

/**
 * One API process with one worker, then with two, on the same machine. Each is set against undici
 * alone in its own minutes, so that what is compared are two ratios. Two workers on two processors
 * cannot be much faster, as everybody shares them; they must not be slower.
 */
export const workers: Part = {
  name: 'workers',
  run: async (settings) => {
    const one = await measureWorkers(settings, ['api', 'worker'])
    const two = await measureWorkers(settings, ['api', 'worker', 'worker'])
    const group = 'workers: 100 endpoints, 1024 bytes, an API process of its own'
    const beside = { name: 'one worker', value: one.deliveredPerSecond }
    const figures: Figure[] = [
      { group, name: 'delivered, one worker', ...besideUndici(one) },
      { group, name: 'delivered, two workers', ...besideUndici(two) },
      {
        group,
        name: 'delivered, two workers',
        value: two.deliveredPerSecond,
        unit: '/s',
        limit: beside,
        ratio: two.ratio / one.ratio,
        bound: { of: 'ratio', best: 'high', aim: 1, floor: 0.95 },
      },
      {
        group,
        name: 'smallest share of lanes, two workers',
        value: two.smallestPercent,
        unit: '%',
      },
    ]
    return figures
  },
}

async function measureWorkers(settings: Settings, roles: readonly Role[]) {
  await using rig = await openRig(roles)
  const load = await addLoad(rig, { endpoints: 100, bytes: 1024, publishers: settings.publishers })
  await using limit = await startLimit(rig, load)
  const throughput = await measureThroughput({ rig, load, limit }, settings)
  const [, ...workers] = rig.program.processes
  const lanes = await Promise.all(workers.map((worker) => worker.metric('postrider_lanes')))
  const smallestPercent = (Math.min(...lanes) / load.endpointIds.length) * 100
  return { ...throughput, smallestPercent }
}

type Measured = Awaited<ReturnType<typeof measureWorkers>>

function besideUndici({ deliveredPerSecond, limit, ratio }: Measured) {
  return {
    value: deliveredPerSecond,
    unit: '/s',
    limit: { name: 'undici alone', value: limit.perSecond },
    ratio,
  } as const
}
