import type { Client, Json } from './client.ts'

/** All that an endpoint shows of itself. */
export const endpointFields = `endpoint {
  id externalId url description eventTypes wireFormat status disabledReason disabledAt
  headers { name value redacted } timeoutSeconds retrySchedule rateLimitPerSecond ordered metadata
  createdAt updatedAt workspace { id }
}`

/** An endpoint for everything, at an address nobody listens on. */
export const anyEndpoint = { url: 'https://example.com/hook', eventTypes: ['*'] }

/** Adds an endpoint: what it shows of itself, and its secret. */
export async function addEndpoint(
  client: Client,
  input: object = {},
): Promise<{ readonly id: string; readonly endpoint: Json; readonly secret: string }> {
  const wanted = { ...anyEndpoint, ...input }
  const { endpoint, secret, ...rest } = await client.mutate(
    'endpointCreate',
    wanted,
    `secret ${endpointFields}`,
  )
  if (!endpoint) throw new Error(`The endpoint was refused: ${JSON.stringify(rest)}`)
  return { id: endpoint.id, endpoint, secret }
}
