import { z } from 'zod'
import { invalidInput } from '../errors.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { wireFormats } from '../rules/wire-formats.ts'
import type { TenantKey } from '../store/endpoint.ts'
import { changeEndpoint } from './endpoint-change.ts'
import { endpointFields, patternsOf, requireUrl, sealHeaders } from './endpoint-fields.ts'
import { misfitOfSecrets } from './endpoint-secrets.ts'
import { changed, clearable, givenOf, readInput } from './input.ts'
import type { ControlPorts } from './ports.ts'
import { requireKnownTypes } from './subscription-check.ts'

const update = z.object({
  url: changed(endpointFields.url),
  eventTypes: changed(endpointFields.eventTypes),
  description: clearable(endpointFields.description),
  wireFormat: changed(endpointFields.wireFormat),
  headers: changed(endpointFields.headers),
  timeoutSeconds: changed(endpointFields.timeoutSeconds),
  retrySchedule: changed(endpointFields.retrySchedule),
  rateLimitPerSecond: clearable(endpointFields.rateLimitPerSecond),
  ordered: changed(endpointFields.ordered),
  metadata: changed(endpointFields.metadata),
})

/** What can be changed of an endpoint. */
export type EndpointUpdate = z.input<typeof update>

/** Changes an endpoint. Requests that are out already end as they were. */
export async function updateEndpoint(
  ports: ControlPorts,
  key: TenantKey,
  input: EndpointUpdate,
): Promise<Endpoint> {
  const { url, eventTypes, headers, ...rest } = givenOf(readInput(update, input))
  const canonical = url === undefined ? undefined : requireUrl(url, ports.urlRules)
  return changeEndpoint(ports, { key, action: 'ENDPOINT_UPDATED' }, async (endpoint, em) => {
    if (rest.wireFormat !== undefined && rest.wireFormat !== endpoint.wireFormat) {
      const wish = { endpoint, wireFormat: rest.wireFormat }
      const message = await misfitOfSecrets(ports, em, wish)
      if (message !== undefined) throw invalidInput([{ path: ['wireFormat'], message }])
      if (hasDefaultSchedule(endpoint)) {
        endpoint.retrySchedule = [...wireFormats[rest.wireFormat].retrySchedule]
      }
    }
    if (eventTypes !== undefined) {
      await requireKnownTypes(em, { ...key, list: eventTypes, had: endpoint.eventTypes })
      endpoint.eventTypes = patternsOf(eventTypes)
    }
    if (canonical !== undefined) endpoint.url = canonical
    if (headers !== undefined) endpoint.headersSealed = sealHeaders(ports.sealer, headers, key)
    Object.assign(endpoint, rest)
  })
}

/** A schedule that is the format's own goes with the format. */
function hasDefaultSchedule({ retrySchedule, wireFormat }: Endpoint): boolean {
  const usual = wireFormats[wireFormat].retrySchedule
  return retrySchedule.join() === usual.join()
}
