import { seedAlmostNothing, seedBacklog, seedWeeks, setScene } from './support/growth-scene.ts'
import {
  measureCatchingUp,
  measureStage,
  type GrowthBench,
  type Rate,
  type Stage,
} from './support/growth-stage.ts'
import type { QueryTimes } from './support/log-queries.ts'
import type { Figure, Part } from './support/part.ts'
import { openRig, startLimit } from './support/rig.ts'

/**
 * What growth costs. One workspace with an almost empty log; the same with `stored` deliveries of
 * four weeks; the same with `waiting` more that wait for disabled endpoints; and while these,
 * enabled, are caught up with. Measured in each: throughput, the way to a lane that is not open,
 * the sweep, and every list of the log over the API. Not measured: a cold disk.
 */
export const backlog: Part = {
  name: 'backlog',
  run: async (settings) => {
    await using rig = await openRig()
    const scene = await setScene(rig, settings)
    await using limit = await startLimit(rig, scene.load)
    return await grow({ rig, scene, limit, settings })
  },
}

async function grow(bench: GrowthBench): Promise<Figure[]> {
  const { rig, scene, settings } = bench
  const empty = await measureStage(bench, await seedAlmostNothing(rig, scene))
  const weeks = await seedWeeks(rig, scene, settings.stored)
  const stored = await measureStage(bench, weeks)
  await seedBacklog(rig, scene, settings.waiting)
  const waiting = await measureStage(bench, weeks)
  const catchingUp = await measureCatchingUp(bench)
  const name = `growth: ${settings.stored} deliveries stored`
  const nameWaiting = `${name}, ${settings.waiting} waiting`
  return [
    ...compared(stored, empty, { group: name, aim: 0.9 }),
    ...compared(waiting, empty, { group: nameWaiting, aim: 0.8 }),
    ...comparedRates(catchingUp, empty.rate, { group: `${nameWaiting}, catching up`, aim: 0.8 }),
  ]
}

type Heading = { readonly group: string; readonly aim: number }

const beside = 'in an empty log'

function compared(stage: Stage, empty: Stage, heading: Heading): Figure[] {
  const times = stage.times.map((after, index) => {
    return comparedTimes(after, empty.times[index] ?? after, heading)
  })
  return [...comparedRates(stage.rate, empty.rate, heading), ...times]
}

/** Rates are compared by their shares of what undici alone sent in the same minutes. */
function comparedRates(rate: Rate, empty: Rate, { group, aim }: Heading): Figure[] {
  const bound = { of: 'ratio', best: 'high', aim } as const
  const costs = (['program', 'postgres'] as const).map((name): Figure => {
    const [value, before] = [rate.micros[name], empty.micros[name]]
    const limit = { name: beside, value: before }
    return {
      group,
      name: `processor time: ${name}`,
      value,
      unit: 'µs',
      limit,
      ratio: before / value,
    }
  })
  return [
    {
      ...{ group, name: 'delivered', value: rate.deliveredPerSecond, unit: '/s', bound },
      limit: { name: beside, value: empty.deliveredPerSecond },
      ratio: rate.ratio / empty.ratio,
    },
    ...costs,
  ]
}

function comparedTimes(after: QueryTimes, before: QueryTimes, { group, aim }: Heading): Figure {
  return {
    ...{
      group,
      name: after.refused ? `${after.name}: REFUSED` : after.name,
      value: after.p50,
      p95: after.p95,
      unit: 'ms',
    },
    limit: { name: beside, value: before.p50 },
    ratio: before.p50 / after.p50,
    bound: { of: 'ratio', best: 'high', aim },
  }
}
