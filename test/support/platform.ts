import { uuidOf } from '../../src/rules/id.ts'
import { type Bundle, type BundleOptions, openBundle, type Tenant } from './bundle.ts'
import type { Client, Json } from './client.ts'
import { addEndpoint } from './endpoints.ts'
import { startReceiver } from './receiver.ts'
import { type Watch, watchDeliveries } from './settle.ts'

/** The whole program, delivering, with one tenant and a catalogue. */
export type Platform = AsyncDisposable & {
  readonly bundle: Bundle
  readonly tenant: Tenant
  /** With the tenant's key. */
  readonly client: Client
  /** The tenant's deliveries. */
  readonly watch: Watch
  /** Adds an endpoint that gets everything. */
  readonly addEndpoint: (url: string, input?: object) => Promise<AddedEndpoint>
  /** Publishes one event, which must be accepted. */
  readonly publish: (input?: object) => Promise<PublishedEvent>
  /** Publishes that many events at once, `{"n":0}` and on. */
  readonly publishMany: (count: number) => Promise<void>
  /** Resolves when an event published now has gone to another endpoint and back. */
  readonly afterAnother: () => Promise<void>
  /** Has a lane look at the clock now, not within a second. */
  readonly nudge: (endpoint: AddedEndpoint) => Promise<void>
  /** A delivery as the API shows it, with its attempts. */
  readonly delivery: (id: string) => Promise<Json>
  /** The tenant's deliveries, oldest first, as the API shows them. */
  readonly deliveries: () => Promise<readonly Json[]>
}

/** An endpoint of the tenant. */
export type AddedEndpoint = { readonly id: string; readonly secret: string }

/** What publishing answered. */
export type PublishedEvent = {
  readonly eventId: string
  readonly deliveryCount: number
  readonly replayed: boolean
}

/** An event type of the catalogue that `publish` uses unless told otherwise. */
export const eventType = 'invoice.paid'

const deliveryFields = `id status trigger attemptCount nextAttemptAt createdAt completedAt
  event { id } endpoint { id }
  attempts {
    number trigger result errorMessage startedAt durationMs
    request { url headers { name value } body } response { statusCode }
  }`

/** Starts one on a database of its own. */
export async function startPlatform(options: BundleOptions = {}): Promise<Platform> {
  await using resources = new AsyncDisposableStack()
  const bundle = resources.use(await openBundle({ delivers: true, ...options }))
  for (const name of [eventType, 'invoice.void', 'course.done']) {
    await bundle.operator.mutate('eventTypeCreate', { name })
  }
  const tenant = await bundle.newTenant()
  const { client } = tenant
  const watch = resources.use(await watchDeliveries(bundle.services.hub, tenant.workspaceId))
  const kept = resources.move()
  return {
    ...{ bundle, tenant, client, watch },
    addEndpoint: (url, input = {}) => addEndpoint(client, { url, ping: false, ...input }),
    publish: (input = {}) => publish(client, input),
    publishMany: async (count) => {
      const events = Array.from({ length: count }, (_, n) => {
        return { eventType, payloadText: `{"n":${n}}` }
      })
      const done = await client.mutate('eventPublishBatch', { events }, 'deliveryCount')
      if (done.code) throw new Error(`The batch was refused: ${JSON.stringify(done)}`)
    },
    afterAnother: () => deliverElsewhere(client, watch),
    nudge: ({ id }) => bundle.services.wake.lanes([uuidOf('wh', id) ?? '']),
    delivery: async (id) => {
      const query = `query ($id: ID!) { delivery(id: $id) { ${deliveryFields} } }`
      return (await client.ask(query, { id })).delivery
    },
    deliveries: async () => {
      const query = `{ deliveries(last: 100) { nodes { ${deliveryFields} } } }`
      return (await client.ask(query)).deliveries.nodes.toReversed()
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

async function deliverElsewhere(client: Client, watch: Watch): Promise<void> {
  await using other = await startReceiver()
  const { id } = await addEndpoint(client, { url: other.url, eventTypes: ['course.done'] })
  await publish(client, { eventType: 'course.done' })
  await watch.until((all) => {
    return all.some((change) => change.endpointId === id && change.status === 'SUCCEEDED')
  })
}

async function publish(client: Client, input: object): Promise<PublishedEvent> {
  const wanted = { eventType, payloadText: '{"n":1}', ...input }
  const fields = 'event { id } deliveryCount replayed'
  const { event, ...answer } = await client.mutate('eventPublish', wanted, fields)
  if (!event) throw new Error(`The event was refused: ${JSON.stringify(answer)}`)
  return { ...answer, eventId: event.id }
}
