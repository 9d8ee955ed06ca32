import { expect } from 'vitest'
import { type Bundle, openBundle, type Tenant } from './bundle.ts'
import type { Reply } from './client.ts'
import { addEndpoint } from './endpoints.ts'

/** A program that gets what it must refuse, and everything it has that could be harmed. */
export type Victim = AsyncDisposable & {
  readonly bundle: Bundle
  readonly tenant: Tenant
  readonly endpointId: string
  /**
   * Sends something bad, and expects what holds for everything bad: it is the caller's fault (I1),
   * the answer names nothing of ours (I2) and the request (I5), no row has changed (I3), and the
   * next is served within a second (I4).
   */
  readonly harmless: (send: () => Promise<Reply>) => Promise<Reply>
}

/** Words that no answer may hold: of SQL and its errors, of stacks, and of files. */
const ours =
  /\b(?:select|insert into|update) .*\b(?:from|set|values)\b|SQLSTATE|\n +at |\/src\/|node:/i

/** Starts one, with a workspace that has an endpoint and an event type. */
export async function openVictim(): Promise<Victim> {
  await using resources = new AsyncDisposableStack()
  const bundle = resources.use(await openBundle())
  await bundle.operator.mutate('eventTypeCreate', { name: 'invoice.paid' })
  const tenant = await bundle.newTenant()
  const { id: endpointId } = await addEndpoint(tenant.client)
  const kept = resources.move()
  return {
    ...{ bundle, tenant, endpointId },
    harmless: async (send) => {
      const before = await allRows(bundle)
      const reply = await send()
      expect(reply.status).toBeLessThan(500)
      expect(reply.text).not.toMatch(/INTERNAL_SERVER_ERROR|Unexpected error/)
      expect(reply.text).not.toMatch(ours)
      const requestId = reply.headers.get('x-request-id')
      if (reply.errors.length > 0) expect(reply.errors[0]?.extensions['requestId']).toBe(requestId)
      expect(await allRows(bundle)).toBe(before)
      const askedAt = performance.now()
      expect((await bundle.operator.send('{ __typename }')).status).toBe(200)
      expect(performance.now() - askedAt).toBeLessThan(1_000)
      return reply
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** Every row of every table, but for when a key was used and how many requests it made. */
async function allRows({ database: { pool } }: Bundle): Promise<string> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
      and relname <> 'api_request_count'
    order by 1`,
  )
  const digests = tables.map(({ name }) => {
    return `select '${name}' as name, md5(string_agg(r::text, ' ' order by r::text)) as digest
      from (select to_jsonb(t) - 'last_used_at' as r from ${name} t) rows`
  })
  const { rows } = await pool.query(`${digests.join(' union all ')} order by name`)
  return JSON.stringify(rows)
}
