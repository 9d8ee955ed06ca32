import { openInsertLimit, repeat, type InsertLimit } from './support/insert-limit.ts'
import type { Figure, Part, Settings } from './support/part.ts'
import { batchRequest, openClients, payloadOf, publishRequest } from './support/publishing.ts'
import { addLoad, openRig, type Load, type Rig } from './support/rig.ts'
import { median, ratioToNeighbours } from './support/statistics.ts'
import { addEndpoints, addEventTypes } from './support/workspace.ts'

/**
 * Publishing over the API to a process that delivers nothing meanwhile. An event counts when its
 * request is answered, that is, when it is stored with its deliveries. Beside it: as many rows in a
 * bare table, by as many connections; and for single events the same requests to a server that
 * answers them with nothing.
 */
export const publishing: Part = {
  name: 'publishing',
  run: async (settings) => {
    await using rig = await openRig(['api'])
    const load = await addLoad(rig, {
      endpoints: 100,
      bytes: 1024,
      publishers: settings.publishers,
    })
    return [
      ...(await measureBatches(rig, load, settings)),
      ...(await measureSingle(rig, load, settings)),
    ]
  },
}

const eventsPerBatch = 5
/** Clients that publish one event each, at the same time. */
const singleClients = 32
const singleEventType = 'bench.single'

async function measureBatches(rig: Rig, load: Load, settings: Settings): Promise<Figure[]> {
  const rows = eventsPerBatch * load.endpointIds.length
  const requests = Math.ceil(settings.deliveries / rows)
  const body = batchRequest(load.event, eventsPerBatch)
  const payloads = Array.from({ length: eventsPerBatch }, () => load.event.payloadText)
  using clients = openClients(rig.program, load.publishers)
  await using limit = await openInsertLimit(rig.database, load.publishers)
  const plan = { times: requests, together: load.publishers }
  const { rates, limits } = await takeTurns(settings.rounds, {
    published: () => timed(requests * rows, () => clients.sendMany(body, requests)),
    limit: () => timed(requests * rows, () => repeat(() => limit.insertMany(rows, payloads), plan)),
  })
  return [
    {
      group: `publishing: ${load.publishers} clients, batches of 5 events to 100 endpoints`,
      name: 'deliveries published',
      value: median(rates),
      unit: '/s',
      limit: { name: 'rows inserted', value: median(limits) },
      ratio: ratioToNeighbours(rates, limits),
      bound: { of: 'value', best: 'high', aim: 20_000 },
    },
  ]
}

async function measureSingle(rig: Rig, { event }: Load, settings: Settings): Promise<Figure[]> {
  const { program, receiver, database } = rig
  await addEventTypes(program, [singleEventType])
  const endpoint = { workspaceId: event.workspaceId, urls: [receiver.origin] }
  await addEndpoints(program, { ...endpoint, eventType: singleEventType })
  const body = publishRequest({
    ...event,
    eventType: singleEventType,
    payloadText: payloadOf(1024),
  })
  const requests = Math.ceil(settings.deliveries / 10)
  using clients = openClients(program, singleClients)
  using bystanders = openClients({ url: receiver.origin, key: program.key }, singleClients)
  await using inserts = await openInsertLimit(database, singleClients)
  const publish = () => timed(requests, () => clients.sendMany(body, requests))
  const insert = () => timed(requests, () => insertAll(inserts, event.payloadText, requests))
  const fetch = () => timed(requests, () => bystanders.sendMany(body, requests))
  const besideRows = await takeTurns(settings.rounds, { published: publish, limit: insert })
  const besideFetch = await takeTurns(settings.rounds, { published: publish, limit: fetch })
  const group = `publishing: ${singleClients} clients, one event of 1024 bytes each`
  return [
    { group, name: 'events published', ...compared(besideRows, 'rows inserted') },
    { group, name: 'events published', ...compared(besideFetch, 'static answers') },
  ]
}

function insertAll(limit: InsertLimit, payloadText: string, times: number): Promise<void> {
  return repeat(() => limit.insertOne(payloadText), { times, together: singleClients })
}

type Turns = { readonly rates: readonly number[]; readonly limits: readonly number[] }

/** The limit, a round, the limit, …; the first round of each is not counted. */
async function takeTurns(
  rounds: number,
  measure: { published: () => Promise<number>; limit: () => Promise<number> },
): Promise<Turns> {
  await measure.published()
  await measure.limit()
  const rates: number[] = []
  const limits = [await measure.limit()]
  for (let index = 0; index < rounds; index += 1) {
    rates.push(await measure.published())
    limits.push(await measure.limit())
  }
  return { rates, limits }
}

/** So many of something in how long: as a rate. */
async function timed(count: number, work: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await work()
  return (count / (performance.now() - started)) * 1000
}

function compared(
  { rates, limits }: Turns,
  name: string,
): Pick<Figure, 'value' | 'unit' | 'limit' | 'ratio'> {
  return {
    value: median(rates),
    unit: '/s',
    limit: { name, value: median(limits) },
    ratio: ratioToNeighbours(rates, limits),
  }
}
