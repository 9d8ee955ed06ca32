import { setTimeout as pause } from 'node:timers/promises'
import { publicId } from '../../../src/rules/id.ts'
import { verdictFindings } from '../harness/checker.ts'
import { atLeast, exactly, noted } from '../harness/findings.ts'
import { MemoryWatch } from '../harness/memory-watch.ts'
import type { Instance } from '../harness/instance.ts'
import { numbered, openLab, survivalFindings, type Lab } from '../harness/lab.ts'
import { startProxy, type Proxy } from '../harness/proxy.ts'
import { inTurn } from '../harness/publisher.ts'
import { repeat } from '../harness/schedule.ts'
import type { Manner, Sight, Subscription } from '../harness/subscriber-messages.ts'
import { startSubscribers, type Subscribers } from '../harness/subscribers.ts'
import type { Tenant } from '../harness/tenant.ts'
import type { Experiment, Trial } from '../harness/trial.ts'

const sockets = 200
const badOfEach = 10
const readers = sockets - 2 * badOfEach
const keys = 5
const killEveryMs = 10_000
/** A socket that does not answer one ping by the next is closed. */
const closedMsMax = 30_000
/** Changes go on while readers come back. */
const afterRestartMs = 3_000
const catchUpMsMax = 20_000
const growthMegabytesMax = 50
const lookEveryMs = 3_000

/** Subscribers that read, that stop reading and that vanish, while processes die around them. */
export const subscribersSuffer: Experiment = {
  id: 'R23',
  title: '200 subscribers, 10 stop reading, 10 vanish; workers killed, the API restarted',
  run: async (trial) => {
    await using lab = await openLab(trial, { roles: ['api', 'worker', 'worker'] })
    const [api] = lab.apis
    if (!api) throw new Error('There is no API.')
    const tenant = await lab.addTenant({ endpoints: numbered(5) })
    await using way = await startProxy(Number(new URL(api.url).port))
    await using subscribers = await startSubscribers(await subscriptionsOf(tenant, api, way))
    const suffering = new AbortController()
    const watched = watchMemory(api, suffering.signal)
    const stop = new AbortController()
    const publishing = lab.publisher.publishSteadily({
      ...{ perSecond: trial.rate(10), until: stop.signal, event: inTurn(tenant) },
    })
    const frozen = way.freeze()
    const kills = await suffer(lab, trial)
    const stuck = await untilStuckClosed(subscribers)
    suffering.abort()
    const memory = await watched
    await restart(api)
    await pause(afterRestartMs)
    stop.abort()
    await publishing
    const verdict = await lab.settle()
    const sight = await untilCaughtUp(lab, subscribers)
    return [
      ...verdictFindings(verdict),
      ...survivalFindings(lab),
      exactly('changes that a reader missed', sight.missing, 0),
      exactly('changes that came twice', sight.repeated, 0),
      exactly('closed for not reading', stuck.stuckClosed, badOfEach),
      atLeast('resumed from a cursor', sight.resumed, readers),
      atLeast('vanished', frozen, badOfEach),
      ...memory.findings(growthMegabytesMax),
      noted('workers killed', kills),
    ]
  },
}

async function subscriptionsOf(tenant: Tenant, api: Instance, way: Proxy): Promise<Subscription[]> {
  const texts = await Promise.all(numbered(keys).map(() => tenant.createKey(['READ'])))
  const direct = `${api.url.replace('http', 'ws')}/graphql`
  return numbered(sockets).map((index) => {
    const manner = mannerOf(index)
    const url = manner === 'vanishes' ? `ws://127.0.0.1:${way.port}/graphql` : direct
    const { workspaceId } = tenant
    return { url, manner, workspaceId, key: texts[index % keys] ?? '' }
  })
}

function mannerOf(index: number): Manner {
  if (index < badOfEach) return 'sticks'
  return index < 2 * badOfEach ? 'vanishes' : 'reads'
}

async function watchMemory(api: Instance, until: AbortSignal): Promise<MemoryWatch> {
  const memory = new MemoryWatch(api)
  while (!until.aborted) {
    await memory.look()
    await pause(lookEveryMs)
  }
  return memory
}

/** Answers how many workers were killed. */
async function suffer(lab: Lab, trial: Trial): Promise<number> {
  let kills = 0
  const everyMs = trial.scaled(killEveryMs)
  await repeat({ everyMs, forMs: trial.scaled(60_000) }, async () => {
    const victim = trial.random.pick(lab.workers.filter(({ isReady }) => isReady))
    await victim.kill()
    kills += 1
    await victim.start()
  })
  return kills
}

/** The server has closed those that do not read; they see it when they read on. */
async function untilStuckClosed(subscribers: Subscribers): Promise<Sight> {
  await pause(closedMsMax)
  subscribers.wake()
  await pause(1_000)
  return subscribers.look([])
}

async function restart(api: Instance): Promise<void> {
  api.send('SIGTERM')
  await api.ended
  await api.start()
}

async function untilCaughtUp({ postgres }: Lab, subscribers: Subscribers): Promise<Sight> {
  const rows = await postgres.query<{ id: string }>('select id from delivery')
  const ids = rows.map(({ id }) => publicId('dlv', id))
  const expected = ids.flatMap((id) => [`${id} PENDING`, `${id} SUCCEEDED`])
  const deadline = AbortSignal.timeout(catchUpMsMax)
  for (;;) {
    const sight = await subscribers.look(expected)
    const isWhole = sight.missing === 0 && sight.resumed >= readers
    if (isWhole || deadline.aborted) return sight
    await pause(500)
  }
}
