import { setTimeout as pause } from 'node:timers/promises'
import { verdictFindings } from '../harness/checker.ts'
import { atLeast, noted } from '../harness/findings.ts'
import type { Instance } from '../harness/instance.ts'
import { numbered, openLab, survivalFindings, type Lab } from '../harness/lab.ts'
import { newPublisher } from '../harness/publisher.ts'
import type { Tenant } from '../harness/tenant.ts'
import type { Experiment, Trial } from '../harness/trial.ts'

const killsMax = 200
const eventsPerBurst = 10
/** A burst's events begin within this time, and the kill falls somewhere in it. */
const burstMs = 250
/** Each way to the database, so that more of a publish is waiting, and kills find it under way. */
const databaseMs = 4

/** The API dies at random moments of publishing: what it said `ok` to is there, whole. */
export const publishCrash: Experiment = {
  id: 'R18',
  title: 'SIGKILL of the API at random moments of publishing',
  run: async (trial) => {
    const roles = ['api', 'api', 'worker'] as const
    await using lab = await openLab(trial, { roles, viaProxy: true })
    const tenant = await lab.addTenant({ endpoints: numbered(5) })
    lab.databaseWay.delay(databaseMs)
    const kills = trial.scaled(killsMax)
    let left = kills
    let found = 0
    const killer = async (api: Instance) => {
      while (left-- > 0) if (await killInBurst(lab, { api, tenant }, trial)) found += 1
    }
    await Promise.all(lab.apis.map(killer))
    lab.databaseWay.delay(0)
    const verdict = await lab.settle()
    const committed = lab.ledger.entries.filter(({ replies: [first, ...more] }) => {
      return first?.outcome === 'info' && more.at(-1)?.fields['replayed'] === true
    })
    return [
      ...verdictFindings(verdict),
      ...survivalFindings(lab),
      noted('kills', kills),
      atLeast('kills with publishes under way', found, kills / 2),
      noted('broke off', lab.ledger.entries.filter(({ replies }) => replies.length > 1).length),
      noted('of these stored before the kill', committed.length),
    ]
  },
}

type Target = { readonly api: Instance; readonly tenant: Tenant }

/** Answers whether a publish was under way when the process died. */
async function killInBurst(
  { ledger, adminKey }: Lab,
  { api, tenant }: Target,
  { random }: Trial,
): Promise<boolean> {
  const stop = new AbortController().signal
  const publisher = newPublisher({ ledger, key: adminKey, urls: [api.url], stop })
  let open = 0
  const publishing = Array.from({ length: eventsPerBurst }, async () => {
    await pause(random.below(burstMs))
    open += 1
    await publisher.publish({ tenant, to: 'all' })
    open -= 1
  })
  await pause(random.below(burstMs))
  const isUnderWay = open > 0
  await api.kill()
  await api.start()
  await Promise.all(publishing)
  return isUnderWay
}
