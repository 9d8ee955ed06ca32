import { afterEach, beforeEach, expect, test } from 'vitest'
import { AppError } from '../../src/errors.ts'
import { uuidOf } from '../../src/rules/id.ts'
import { untilBlocked } from '../support/blocked.ts'
import { type Bundle, openBundle, type Tenant } from '../support/bundle.ts'
import type { Client } from '../support/client.ts'
import { addEndpoint } from '../support/endpoints.ts'

/* Requests that share a batch, and none of them the fate of another. */

const eventType = 'invoice.paid'

let bundle: Bundle
let tenants: readonly Tenant[]

beforeEach(async () => {
  bundle = await openBundle()
  await bundle.operator.mutate('eventTypeCreate', { name: eventType })
  tenants = [await bundle.newTenant(), await bundle.newTenant()]
  for (const tenant of tenants) await publish(tenant)
})

afterEach(() => bundle[Symbol.asyncDispose]())

function publish(tenant: Tenant | undefined, type = eventType) {
  const workspaceId = uuidOf('ws', tenant?.workspaceId ?? '') ?? ''
  const unplanned = { idempotencyKey: null, occurredAt: null, deliverAt: null }
  const events = [{ eventType: type, payloadText: '{}', ...unplanned }]
  const request = { workspaceId, events, isBatch: false, traceparent: null }
  return bundle.services.publisher.publish(request)
}

/** While another publish waits for the database, so that these share what is next. */
async function publishTogether(...publishing: readonly (() => Promise<unknown>)[]) {
  const { pool } = bundle.database
  const holder = await pool.connect()
  await holder.query('begin; lock table event in exclusive mode')
  const first = publish(tenants[0])
  await untilBlocked(pool, 'insertPublication')
  const together = publishing.map((one) => one())
  await holder.query('rollback')
  holder.release()
  await first
  return Promise.allSettled(together)
}

async function countEvents(): Promise<number> {
  const { rows } = await bundle.database.pool.query('select count(*)::int as count from event')
  return rows[0].count
}

test('an event beside a refused one is stored once', async () => {
  const before = await countEvents()

  const answers = await publishTogether(
    () => publish(tenants[0]),
    () => publish(tenants[1], 'no.such'),
    () => publish(tenants[1]),
  )

  expect(answers).toMatchObject([
    { status: 'fulfilled' },
    { status: 'rejected', reason: expect.any(AppError) },
    { status: 'fulfilled' },
  ])
  expect(await countEvents()).toBe(before + 3)
})

test('an event beside one that is out of date is stored once', async () => {
  const before = await countEvents()
  const input = { url: 'https://example.com/', ping: false }
  await addEndpoint(tenants[1]?.client as Client, input)

  const answers = await publishTogether(
    () => publish(tenants[0]),
    () => publish(tenants[1]),
  )

  expect(answers).toMatchObject([
    { status: 'fulfilled', value: [{ deliveryCount: 0 }] },
    { status: 'fulfilled', value: [{ deliveryCount: 1 }] },
  ])
  expect(await countEvents()).toBe(before + 3)
})

test('an event that is stored is told so, whatever became of another', async () => {
  const before = await countEvents()
  // The catalogue changes with the event that is stored, and cannot be read then.
  await bundle.database.pool.query(`
    alter table event_type rename to misplaced;
    create function change_catalogue() returns trigger language plpgsql as
      'begin
        if (select count(*) from event) = ${before + 2} then
          update catalogue set version = version + 1;
        end if;
        return null;
      end';
    create trigger change_catalogue after insert on event
      for each statement execute function change_catalogue()`)

  const answers = await publishTogether(
    () => publish(tenants[0]),
    () => publish(tenants[1], 'no.such'),
  )

  expect(answers).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected' }])
  expect(await countEvents()).toBe(before + 2)
})
