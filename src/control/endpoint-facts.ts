import type { Endpoint } from '../model/endpoint.ts'
import { redacted } from '../rules/custom-headers.ts'
import type { Facts } from '../rules/facts.ts'
import type { Sealer } from '../seal.ts'
import { openHeaders } from './endpoint-fields.ts'

/** An endpoint as the audit log compares it: with its headers in full, see {@link shownFacts}. */
export function endpointFacts(sealer: Sealer, endpoint: Endpoint): Facts {
  const opened = openHeaders(sealer, endpoint)
  return {
    url: endpoint.url,
    externalId: endpoint.externalId ?? null,
    description: endpoint.description ?? null,
    eventTypes: endpoint.eventTypes,
    wireFormat: endpoint.wireFormat,
    status: endpoint.status,
    disabledReason: endpoint.disabledReason ?? null,
    headers: opened.ok ? opened.headers : null,
    timeoutSeconds: endpoint.timeoutSeconds,
    retrySchedule: endpoint.retrySchedule,
    rateLimitPerSecond: endpoint.rateLimitPerSecond ?? null,
    ordered: endpoint.ordered,
    metadata: endpoint.metadata,
  }
}

/**
 * The same as it is stored: without the values of headers, which lie encrypted with the endpoint,
 * since any of them may be a credential. That one changed is still seen.
 */
export function shownFacts<Known extends Facts | null>(facts: Known): Known {
  if (!facts || !Array.isArray(facts['headers'])) return facts
  const headers = facts['headers'] as { name: string }[]
  return { ...facts, headers: headers.map(({ name }) => ({ name, value: redacted })) }
}
