import type { Endpoint } from '../model/endpoint.ts'
import type { TenantKey } from '../store/endpoint.ts'
import { resetEndpointHealth } from '../store/endpoint-health.ts'
import { removeSecrets } from '../store/endpoint-secret.ts'
import { changeEndpoint } from './endpoint-change.ts'
import type { ControlPorts } from './ports.ts'

/**
 * Lets an endpoint have its deliveries again, and holds nothing against it any more: an open
 * circuit closes. Enabling one that is enabled does just that.
 */
export async function enableEndpoint(ports: ControlPorts, key: TenantKey): Promise<Endpoint> {
  const wish = { key, action: 'ENDPOINT_ENABLED' } as const
  const enabled = await changeEndpoint(ports, wish, async (endpoint, em) => {
    const disabledAt = endpoint.disabledAt ?? null
    endpoint.status = 'ENABLED'
    endpoint.disabledReason = null
    endpoint.disabledAt = null
    await resetEndpointHealth(em, { ...key, at: ports.clock.now(), disabledAt })
  })
  await ports.wake.lanes([key.id])
  return enabled
}

/** Stops deliveries to an endpoint. Disabling one that is disabled keeps its reason and time. */
export async function disableEndpoint(ports: ControlPorts, key: TenantKey): Promise<Endpoint> {
  return changeEndpoint(ports, { key, action: 'ENDPOINT_DISABLED' }, (endpoint) => {
    if (endpoint.status === 'DISABLED') return
    endpoint.status = 'DISABLED'
    endpoint.disabledReason = 'MANUAL'
    endpoint.disabledAt = ports.clock.now()
  })
}

/**
 * Deletes an endpoint: nothing finds it any more but the log, and its secrets are gone. What
 * waits for it is canceled by its lane, which is woken for that.
 */
export async function deleteEndpoint(ports: ControlPorts, key: TenantKey): Promise<void> {
  await changeEndpoint(ports, { key, action: 'ENDPOINT_DELETED' }, async (endpoint, em) => {
    const at = ports.clock.now()
    endpoint.deletedAt = at
    endpoint.status = 'DISABLED'
    endpoint.disabledReason ??= 'MANUAL'
    endpoint.disabledAt ??= at
    endpoint.headersSealed = null
    await removeSecrets(em, key)
  })
  await ports.wake.lanes([key.id])
}
