import type { Bundle } from './bundle.ts'
import type { Client } from './client.ts'

/** A client with a key that may make so many requests in a minute. */
export async function newClient(
  { operator, clientOf }: Bundle,
  rateLimitPerMinute: number,
): Promise<Client> {
  const { workspace } = await operator.mutate('workspaceCreate', { name: 'A' }, 'workspace { id }')
  const input = { workspaceId: workspace.id, name: 'x', scopes: ['MANAGE'], rateLimitPerMinute }
  const { key } = await operator.mutate('apiKeyCreate', input, 'key')
  return clientOf(key)
}

/** The same key, at another process. */
export async function newClients(here: Bundle, there: Pick<Bundle, 'clientOf'>, limit: number) {
  const { workspaceId } = await here.newTenant()
  const input = { workspaceId, name: 'x', scopes: ['READ'], rateLimitPerMinute: limit }
  const { key } = await here.operator.mutate('apiKeyCreate', input, 'key')
  return [here.clientOf(key), there.clientOf(key)] as const
}
