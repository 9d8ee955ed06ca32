import { setTimeout as pause } from 'node:timers/promises'
import { retryAfterSecondsMax } from '../../../src/limits.ts'
import { publicId } from '../../../src/rules/id.ts'
import { exactly, noted, type Finding } from '../harness/findings.ts'
import { openLab, survivalFindings, type Lab } from '../harness/lab.ts'
import { mutate } from '../harness/operator.ts'
import type { Script } from '../harness/receiver-messages.ts'
import { uuidOfEndpoint } from '../harness/stored.ts'
import type { Tenant } from '../harness/tenant.ts'
import type { Experiment } from '../harness/trial.ts'

/** Up to a fifth is added to a delay at random; timers and a busy machine add the rest. */
const jitterRatio = 0.2
const lateMsMax = 700
/** By then all schedules here have ended. */
const observedMs = 14_000
const replayMsMax = 2_000

/** What a receiver always answers, and what must follow. */
type Case = {
  readonly name: string
  readonly script: Script
  readonly retrySchedule: readonly number[]
  /** Least seconds between its requests; a delay it asked for gets no jitter. */
  readonly gaps: readonly number[]
  readonly status: string
}

const failing = (status: number, headers: Record<string, string> = {}): Script => {
  return { status, afterMs: 0, headers }
}
const asking = (retryAfter: string) => failing(503, { 'retry-after': retryAfter })
const ended = { status: 'FAILED' } as const
/** HTTP dates are in whole seconds: at least this far ahead when the answer comes. */
const dateAheadSeconds = 4

function casesAt(now: number): readonly Case[] {
  const date = new Date(now + (dateAheadSeconds + 1) * 1000).toUTCString()
  const tenYears = String(10 * 365 * 86_400)
  const short = { retrySchedule: [1], gaps: [1], ...ended }
  return [
    { name: '500', script: failing(500), retrySchedule: [1, 2, 3], gaps: [1, 2, 3], ...ended },
    { name: '429', script: failing(429), retrySchedule: [1, 2], gaps: [1, 2], ...ended },
    { name: 'seconds', script: asking('3'), retrySchedule: [1, 1], gaps: [3, 3], ...ended },
    { name: 'date', script: asking(date), retrySchedule: [1], gaps: [dateAheadSeconds], ...ended },
    { name: 'negative', script: asking('-5'), ...short },
    { name: 'garbage', script: asking('soon'), ...short },
    { name: 'ten years', script: asking(tenYears), ...short, gaps: [], status: 'RETRYING' },
    { name: '410', script: failing(410), ...short, gaps: [] },
  ]
}

/** Receivers that always fail, each in its way. What is used up is in sight, and can be replayed. */
export const retryTimes: Experiment = {
  id: 'R15',
  title: 'endpoints that always fail: 500, 429, 410, 503 with Retry-After of every kind',
  run: async (trial) => {
    await using lab = await openLab(trial, { roles: ['api', 'worker'] })
    const cases = casesAt(Date.now())
    const endpoint = (number: number) => ({ retrySchedule: cases[number]?.retrySchedule ?? [] })
    const tenant = await lab.addTenant({ endpoints: [...cases.keys()], endpoint })
    const begun = casesAt(Date.now())
    for (const [number, { script }] of begun.entries()) lab.receivers.follow([number], script)
    await lab.publisher.publish({ tenant, to: 'all' })
    await pause(observedMs)
    await lab.receivers.flush()
    const deliveries = await readDeliveries(lab)
    const offSchedule = cases.flatMap((one, number) => wrongGaps(lab, one, number))
    const gone = cases.findIndex(({ name }) => name === '410')
    return [
      exactly('off schedule', offSchedule.join('; ') || 'none', 'none'),
      exactly('wrong status', wrongStatuses(cases, deliveries, tenant) || 'none', 'none'),
      exactly('ten years clamped', clampedTo(deliveries), retryAfterSecondsMax),
      exactly('endpoint after 410', await stateOf(lab, tenant.endpointIds[gone] ?? ''), 'GONE'),
      ...(await replayFindings(lab, tenant, deliveries)),
      ...survivalFindings(lab),
      noted('requests', lab.receivers.arrivals.length),
    ]
  },
}

function wrongGaps({ receivers }: Lab, { name, gaps, script }: Case, number: number): string[] {
  const own = receivers.arrivals.filter(({ endpoint }) => endpoint === number)
  const measured = own.slice(1).map(({ arrivedMs }, index) => {
    return Math.round(arrivedMs - (own[index]?.endedMs ?? 0))
  })
  const isAsked = script.headers?.['retry-after'] !== undefined
  const fits = (gapMs: number, index: number) => {
    const leastMs = (gaps[index] ?? Infinity) * 1000
    const mostMs = leastMs * (1 + jitterRatio) + lateMsMax + (isAsked ? 1_000 : 0)
    return gapMs >= leastMs - 5 && gapMs <= mostMs
  }
  const isRight = measured.length === gaps.length && measured.every(fits)
  return isRight ? [] : [`${name} after ${measured.join(', ')} ms, not ${gaps.join(', ')} s`]
}

type Delivery = {
  readonly id: string
  readonly endpoint: string
  readonly status: string
  /** From its last attempt to its next, in s. */
  readonly waitSeconds: number | null
}

function readDeliveries({ postgres }: Lab): Promise<Delivery[]> {
  return postgres.query(
    `select id, endpoint_id as endpoint, status, (
       select round(extract(epoch from next_attempt_at - max(started_at)))::int from attempt
       where attempt.delivery_id = delivery.id and attempt.workspace_id = delivery.workspace_id
     ) as "waitSeconds" from delivery`,
  )
}

function wrongStatuses(
  cases: readonly Case[],
  deliveries: readonly Delivery[],
  { endpointIds }: Tenant,
): string {
  return cases
    .map(({ name, status }, number) => {
      const uuid = uuidOfEndpoint(endpointIds[number] ?? '')
      const found = deliveries.find(({ endpoint }) => endpoint === uuid)?.status ?? 'missing'
      return found === status ? '' : `${name} is ${found}`
    })
    .join(' ')
    .trim()
}

function clampedTo(deliveries: readonly Delivery[]): number {
  return deliveries.find(({ status }) => status === 'RETRYING')?.waitSeconds ?? 0
}

async function stateOf({ postgres }: Lab, endpointId: string): Promise<string> {
  const [row] = await postgres.query<{ reason: string }>(
    'select disabled_reason as reason from endpoint where id = $1',
    [uuidOfEndpoint(endpointId)],
  )
  return row?.reason ?? 'enabled'
}

/** What is used up is tried once more when a person asks for it, and then succeeds. */
async function replayFindings(
  lab: Lab,
  { endpointIds }: Tenant,
  deliveries: readonly Delivery[],
): Promise<Finding[]> {
  lab.receivers.follow([0], { status: 200, afterMs: 0 })
  const uuid = uuidOfEndpoint(endpointIds[0] ?? '')
  const failed = deliveries.find(({ endpoint }) => endpoint === uuid)
  const input = { id: publicId('dlv', failed?.id ?? '') }
  const question = { mutation: 'deliveryRetry', input, fields: 'delivery { id }' }
  const { code } = await mutate({ ...question, url: lab.apis[0]?.url ?? '', key: lab.adminKey })
  await pause(replayMsMax)
  const now = (await readDeliveries(lab)).find(({ id }) => id === failed?.id)
  return [
    exactly('asked for again', code, 'DeliveryRetrySuccess'),
    exactly('then', now?.status ?? 'missing', 'SUCCEEDED'),
  ]
}
