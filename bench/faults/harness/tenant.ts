import { mutate } from './operator.ts'
import type { Receivers } from './receivers.ts'

/** A workspace whose endpoints each get events of their own, and some that go to all. */
export type Tenant = {
  readonly workspaceId: string
  /** Numbers of its endpoints, as the receivers count them. */
  readonly endpoints: readonly number[]
  /** Public ids, in the same order. */
  readonly endpointIds: readonly string[]
  /** A further key of this workspace, with these scopes. */
  readonly createKey: (scopes: readonly string[]) => Promise<string>
  readonly typeFor: (to: number | 'all') => { eventType: string; targets: readonly number[] }
}

export type TenantOptions = {
  /** Numbers for its endpoints that no other tenant has. */
  readonly endpoints: readonly number[]
  /** Further input of `endpointCreate`. */
  readonly endpoint?: (number: number) => object
}

type Reach = { readonly url: string; readonly key: string; readonly receivers: Receivers }

/** Sets one up over the API. Throws where anything is refused. */
export async function createTenant(reach: Reach, options: TenantOptions): Promise<Tenant> {
  const { endpoints } = options
  const toAll = `faults.to-all-${endpoints[0]}`
  const toOne = (number: number) => `faults.to-one-${number}`
  const created = await must(
    reach,
    { mutation: 'workspaceCreate', fields: 'workspace { id }' },
    {
      name: toAll,
    },
  )
  const workspaceId = (created['workspace'] as { id: string }).id
  for (const name of [toAll, ...endpoints.map(toOne)]) {
    await must(reach, { mutation: 'eventTypeCreate', fields: 'eventType { id }' }, { name })
  }
  const endpointIds: string[] = []
  for (const number of endpoints) {
    const eventTypes = [toOne(number), toAll]
    const url = reach.receivers.urlOf(number)
    const input = { workspaceId, url, eventTypes, ...options.endpoint?.(number) }
    const asked = { mutation: 'endpointCreate', fields: 'secret endpoint { id }' }
    const { secret, endpoint } = await must(reach, asked, input)
    reach.receivers.know(number, String(secret))
    endpointIds.push((endpoint as { id: string }).id)
  }
  return {
    ...{ workspaceId, endpoints, endpointIds },
    createKey: async (scopes) => {
      const input = { workspaceId, name: 'faults', scopes }
      return String((await must(reach, { mutation: 'apiKeyCreate', fields: 'key' }, input))['key'])
    },
    typeFor: (to) => {
      if (to === 'all') return { eventType: toAll, targets: endpoints }
      return { eventType: toOne(to), targets: [to] }
    },
  }
}

type Asked = { readonly mutation: string; readonly fields: string }

async function must({ url, key }: Reach, asked: Asked, input: object) {
  const reply = await mutate({ ...{ url, key, input }, ...asked })
  if (reply.outcome === 'ok') return reply.fields
  throw new Error(`${asked.mutation}: ${reply.code} ${JSON.stringify(reply.fields)}`)
}
