import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Bundle, openBeside, openBundle, type Tenant } from '../support/bundle.ts'
import type { Client } from '../support/client.ts'
import { addEndpoint } from '../support/endpoints.ts'

const eventType = 'invoice.paid'

let resources: AsyncDisposableStack
let here: Bundle
let there: Pick<Bundle, 'clientOf'>
let tenant: Tenant
let elsewhere: Client

beforeEach(async () => {
  resources = new AsyncDisposableStack()
  here = resources.use(await openBundle())
  there = resources.use(await openBeside(here))
  await here.operator.mutate('eventTypeCreate', { name: eventType })
  tenant = await here.newTenant()
  elsewhere = there.clientOf(tenant.key)
})

afterEach(() => resources.disposeAsync())

const one = 'deliveryCount'
const url = 'https://example.com/'

/** The ways to publish an event: each takes its own way to the statement that stores it. */
const ways: readonly (readonly [string, (n: number) => Promise<unknown>])[] = [
  ['alone', () => publish({})],
  ['with a key', (n) => publish({ idempotencyKey: `k${n}` })],
  ['in a batch', () => tenant.client.mutate('eventPublishBatch', { events: [event] }, one)],
]

const event = { eventType, payloadText: '{}' }

function publish(more: object) {
  return tenant.client.mutate('eventPublish', { ...event, ...more }, one)
}

test.each(ways)('%s an event goes to whom another process has added', async (_, publishing) => {
  const before = await publishing(1)
  const { id } = await addEndpoint(elsewhere, { url, ping: false })
  const during = await publishing(2)
  await elsewhere.mutate('endpointDelete', { id })
  const after = await publishing(3)

  expect([before, during, after]).toMatchObject(
    [0, 1, 0].map((deliveryCount) => ({ deliveryCount })),
  )
})

test.each(ways)(
  '%s an event is refused for what another process changed',
  async (_, publishing) => {
    const operator = there.clientOf(here.adminKey)
    await publishing(1)
    await operator.mutate('eventTypeUpdate', { name: eventType, schema: { required: ['n'] } })
    const strict = await publishing(2)
    await operator.mutate('eventTypeUpdate', { name: eventType, schema: null })
    const again = await publishing(3)

    expect(strict).toMatchObject({ code: 'INVALID_INPUT' })
    expect(again).toMatchObject({ deliveryCount: 0 })
  },
)
