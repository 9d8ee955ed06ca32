import type { Program } from './program.ts'
import { median, quantile } from './statistics.ts'

/** What the queries are about: ids and times that a log holds. */
export type QueryScene = {
  readonly workspaceId: string
  /** Of the common events. */
  readonly endpointIds: readonly string[]
  /** Has the few deliveries of the rare events, all failed. */
  readonly quietEndpointId: string
  readonly rareEventType: string
  readonly eventId: string
  /** The time that the log covers. */
  readonly since: Date
  readonly until: Date
}

/** In ms. `refused`: the program gave up, at least once. */
export type QueryTimes = {
  readonly name: string
  readonly p50: number
  readonly p95: number
  readonly refused?: boolean
}

type LogQuery = { readonly name: string; readonly text: string; readonly variables: object }

const timesMax = 20
/** A slow query is asked less often, but at least three times. */
const queryMsMax = 3_000

/** Asks every query again and again over the API, one at a time. */
export async function measureQueries(program: Program, scene: QueryScene): Promise<QueryTimes[]> {
  const deep = await cursorBehind(program, scene.workspaceId, deepPages)
  const measured: QueryTimes[] = []
  for (const query of queriesOf(scene, deep)) measured.push(await measureQuery(program, query))
  return measured
}

/** Pages of 100 that a reader has turned before the deep one. */
const deepPages = 50

async function cursorBehind({ ask }: Program, workspaceId: string, count: number) {
  let after: string | null = null
  for (let page = 0; page < count; page += 1) {
    const { deliveries }: Page = await ask(deepText, { workspaceId, after })
    after = deliveries.pageInfo.endCursor ?? after
  }
  return after
}

type Page = { readonly deliveries: { readonly pageInfo: { readonly endCursor: string | null } } }

const deepText = `query ($workspaceId: ID!, $after: String) {
  deliveries(workspaceId: $workspaceId, first: 100, after: $after) {
    nodes { id status } pageInfo { endCursor }
  }
}`

async function measureQuery({ ask }: Program, query: LogQuery): Promise<QueryTimes> {
  const times: number[] = []
  const began = performance.now()
  let refused = false
  const asked = async () => {
    const started = performance.now()
    await ask(query.text, query.variables).catch(() => {
      refused = true
    })
    return performance.now() - started
  }
  await asked()
  while (times.length < 3 || (times.length < timesMax && performance.now() - began < queryMsMax)) {
    times.push(await asked())
  }
  return { name: query.name, p50: median(times), p95: quantile(times, 0.95), refused }
}

/** Every list of the log, with filters that many fit, few fit, and none fits. */
function queriesOf(scene: QueryScene, deep: string | null): LogQuery[] {
  const { workspaceId } = scene
  return [
    ...deliveryQueries(scene),
    {
      name: `deliveries: page ${deepPages + 1}`,
      text: deepText,
      variables: { workspaceId, after: deep },
    },
    ...countQueries(scene),
    ...eventQueries(scene),
    ...endpointQueries(scene),
  ]
}

function deliveryQueries(scene: QueryScene): LogQuery[] {
  const { endpointIds, quietEndpointId, rareEventType, eventId } = scene
  const [endpointId] = endpointIds
  const middle = middleOf(scene)
  const filters: Record<string, object> = {
    'no filter': {},
    'a range in the middle': { createdAt: middle },
    'one endpoint': { endpointIds: [endpointId] },
    'one quiet endpoint': { endpointIds: [quietEndpointId] },
    'three endpoints': { endpointIds: endpointIds.slice(0, 3) },
    '100 endpoints': { endpointIds },
    'one event': { eventId },
    'common type': { eventTypes: ['bench.happened'] },
    'rare type': { eventTypes: [rareEventType] },
    'type nobody has': { eventTypes: ['bench.cold.0'] },
    SUCCEEDED: { statuses: ['SUCCEEDED'] },
    'FAILED, rare': { statuses: ['FAILED'] },
    'FAILED of a range': { statuses: ['FAILED'], createdAt: middle },
    'FAILED of one endpoint': { statuses: ['FAILED'], endpointIds: [endpointId] },
    'FAILED of three endpoints': { statuses: ['FAILED'], endpointIds: endpointIds.slice(0, 3) },
    PENDING: { statuses: ['PENDING'] },
    'RETRYING, none': { statuses: ['RETRYING'] },
    'PENDING or RETRYING': { statuses: ['PENDING', 'RETRYING'] },
    'PENDING of one endpoint, none': { statuses: ['PENDING'], endpointIds: [quietEndpointId] },
    'SUPPRESSED, none': { statuses: ['SUPPRESSED'] },
    'CANCELED, none': { statuses: ['CANCELED'] },
    'last result SUCCEEDED': { lastResults: ['SUCCEEDED'] },
    'HTTP_ERROR, rare': { lastResults: ['HTTP_ERROR'] },
    'TIMEOUT, none': { lastResults: ['TIMEOUT'] },
    'status 200 to 299': { lastStatusCode: { min: 200, max: 299 } },
    'status 500 to 599, rare': { lastStatusCode: { min: 500, max: 599 } },
    'status 404, none': { lastStatusCode: { min: 404, max: 404 } },
    'trigger EVENT': { triggers: ['EVENT'] },
    'PING, none': { triggers: ['PING'] },
    'PING or REPLAY, none': { triggers: ['PING', 'REPLAY'] },
  }
  const { workspaceId } = scene
  const fromEachEnd = ['first: 20', 'last: 20'].map((page) => ({
    end: page.startsWith('last') ? ', oldest' : '',
    text: deliveriesText(page),
  }))
  return [
    ...Object.entries(filters).flatMap(([name, filter]) =>
      fromEachEnd.map(({ end, text }) => ({
        name: `deliveries: ${name}${end}`,
        text,
        variables: { workspaceId, filter },
      })),
    ),
    { name: 'deliveries: 100 with attempts', text: attemptsText, variables: { workspaceId } },
  ]
}

function middleOf({ since, until }: QueryScene) {
  const at = (share: number) =>
    new Date(since.getTime() + (until.getTime() - since.getTime()) * share)
  return { since: at(0.4), until: at(0.6) }
}

const deliveriesText = (page: string) => `
  query ($workspaceId: ID!, $filter: DeliveryFilter) {
    deliveries(workspaceId: $workspaceId, filter: $filter, ${page}) {
      nodes { id status eventType attemptCount createdAt completedAt }
      pageInfo { hasNextPage hasPreviousPage endCursor }
    }
  }`

const attemptsText = `
  query ($workspaceId: ID!) {
    deliveries(workspaceId: $workspaceId, first: 100) {
      nodes { id status attempts { id result durationMs startedAt } }
    }
  }`

function countQueries(scene: QueryScene): LogQuery[] {
  const { workspaceId, endpointIds } = scene
  const filters = {
    'no filter': {},
    'FAILED, rare': { statuses: ['FAILED'] },
    'PENDING or RETRYING': { statuses: ['PENDING', 'RETRYING'] },
    'TIMEOUT, none': { lastResults: ['TIMEOUT'] },
    'PING, none': { triggers: ['PING'] },
    'type nobody has': { eventTypes: ['bench.cold.0'] },
    'one endpoint': { endpointIds: endpointIds.slice(0, 1) },
  }
  return Object.entries(filters).map(([name, filter]) => ({
    name: `deliveriesCount: ${name}`,
    text: `query ($workspaceId: ID!, $filter: DeliveryFilter) {
      deliveriesCount(workspaceId: $workspaceId, filter: $filter) { value precision }
    }`,
    variables: { workspaceId, filter },
  }))
}

function eventQueries(scene: QueryScene): LogQuery[] {
  const { workspaceId, rareEventType } = scene
  const filters = {
    'no filter': {},
    'rare type': { eventTypes: [rareEventType] },
    'type nobody has': { eventTypes: ['bench.cold.0'] },
    'a range in the middle': { createdAt: middleOf(scene) },
    'key nobody used': { idempotencyKey: 'none' },
  }
  return Object.entries(filters).map(([name, filter]) => ({
    name: `events: ${name}`,
    text: `query ($workspaceId: ID!, $filter: EventFilter) {
      events(workspaceId: $workspaceId, filter: $filter, first: 20) { nodes { id eventType } }
    }`,
    variables: { workspaceId, filter },
  }))
}

function endpointQueries({ workspaceId, endpointIds, since, until }: QueryScene): LogQuery[] {
  const [id] = endpointIds
  const dayBefore = new Date(until.getTime() - 86_400_000)
  const statsText = `query ($id: ID!, $since: DateTime!, $until: DateTime!) {
    endpoint(id: $id) { stats(since: $since, until: $until) { attempts durationMsP95 } }
  }`
  return [
    {
      name: 'endpoints: health of 100',
      text: `query ($workspaceId: ID!) {
        endpoints(workspaceId: $workspaceId, first: 100) {
          nodes { id health { circuit pendingDeliveries { value } } }
        }
      }`,
      variables: { workspaceId },
    },
    {
      name: 'endpoints: statistics of 20',
      text: `query ($workspaceId: ID!) {
        endpoints(workspaceId: $workspaceId, first: 20) { nodes { id stats { attempts } } }
      }`,
      variables: { workspaceId },
    },
    {
      name: 'endpoints: 20 with 5 deliveries each',
      text: `query ($workspaceId: ID!) {
        endpoints(workspaceId: $workspaceId, first: 20) {
          nodes { id deliveries(first: 5) { nodes { id status } } }
        }
      }`,
      variables: { workspaceId },
    },
    {
      name: 'events: 20 with 5 deliveries each',
      text: `query ($workspaceId: ID!) {
        events(workspaceId: $workspaceId, first: 20) {
          nodes { id deliveries(first: 5) { nodes { id status } } }
        }
      }`,
      variables: { workspaceId },
    },
    {
      name: 'endpoint: statistics of a day',
      text: statsText,
      variables: { id, since: dayBefore, until },
    },
    { name: 'endpoint: statistics of all time', text: statsText, variables: { id, since, until } },
  ]
}
