import { setTimeout as pause } from 'node:timers/promises'
import { verdictFindings } from '../harness/checker.ts'
import { atLeast, exactly, noted } from '../harness/findings.ts'
import { numbered, openLab, survivalFindings, type Lab } from '../harness/lab.ts'
import type { Entry } from '../harness/ledger.ts'
import { mutate } from '../harness/operator.ts'
import { newPublisher, publishedIds, type Publisher } from '../harness/publisher.ts'
import { startProxy } from '../harness/proxy.ts'
import type { Experiment, Trial } from '../harness/trial.ts'

const clients = 50
const keysMax = 200
const killEveryMs = 2_500
/** Of one connection: about five answers, the last one in its middle. */
const cutAfterBytes = 2_300

/**
 * Many clients publish the same event with the same key at the same time, at two API processes
 * that die by turns; the answers of one are cut in their middle.
 */
export const idempotencyRace: Experiment = {
  id: 'R17',
  title: '50 clients publish each event with one key, 2 APIs killed by turns, answers cut',
  run: async (trial) => {
    await using lab = await openLab(trial, { roles: ['api', 'api', 'worker'] })
    const tenant = await lab.addTenant({ endpoints: numbered(2) })
    await using way = await startProxy(Number(new URL(lab.apis[1]?.url ?? '').port))
    way.cutAfter(cutAfterBytes)
    const publisher = newPublisher({
      ...{ ledger: lab.ledger, key: lab.adminKey, stop: new AbortController().signal },
      urls: [lab.apis[0]?.url ?? '', `http://127.0.0.1:${way.port}`],
    })
    const keys = Math.max(20, trial.scaled(keysMax))
    const entries = Array.from({ length: keys }, () => publisher.begin({ tenant, to: 'all' }))
    const racing = new AbortController()
    const kills = killByTurns(lab, trial, racing.signal)
    await race(publisher, entries)
    racing.abort()
    const killed = await kills
    const conflicts = await Promise.all(entries.map((entry) => publishOther(lab, entry)))
    const verdict = await lab.settle()
    const replies = lab.ledger.replies('ok')
    return [
      ...verdictFindings(verdict),
      ...survivalFindings(lab),
      exactly('accepted of', verdict.accepted, keys),
      exactly('replies with another event id', entries.filter(isTorn).length, 0),
      exactly(
        'other body refused',
        conflicts.filter((code) => code === 'ConflictError').length,
        keys,
      ),
      atLeast('replies', replies.length, keys * clients),
      atLeast('kills', killed, 1),
      atLeast('publishes that broke off', lab.ledger.replies('info').length, 1),
      noted('replayed', replies.filter(({ fields }) => fields['replayed'] === true).length),
    ]
  },
}

/** Each client goes through all keys, so that all of them ask for the same one at a time. */
async function race({ ask }: Publisher, entries: readonly Entry[]): Promise<void> {
  const client = async () => {
    for (const entry of entries) await ask(entry)
  }
  await Promise.all(Array.from({ length: clients }, client))
}

async function killByTurns(lab: Lab, { random }: Trial, stop: AbortSignal): Promise<number> {
  let kills = 0
  while (!stop.aborted) {
    await pause(killEveryMs / 2 + random.below(killEveryMs), undefined, { signal: stop }).catch(
      () => {},
    )
    if (stop.aborted) break
    const victim = lab.apis[kills % lab.apis.length]
    await victim?.kill()
    await victim?.start()
    kills += 1
  }
  return kills
}

/** Two replies that speak of different events. */
function isTorn({ replies }: Entry): boolean {
  const ids = replies.filter(({ outcome }) => outcome === 'ok').flatMap(publishedIds)
  return new Set(ids).size !== 1
}

/** The same key for something else. Answers what it was called. */
async function publishOther(lab: Lab, { workspaceId, eventType, key }: Entry): Promise<string> {
  const input = { workspaceId, eventType, payloadText: '{"other":true}', idempotencyKey: key }
  const question = { mutation: 'eventPublish', input, fields: 'event { id }' }
  const { code } = await mutate({ ...question, url: lab.apis[0]?.url ?? '', key: lab.adminKey })
  return code
}
