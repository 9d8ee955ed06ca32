import type { EndpointHealth } from '../../model/endpoint-health.ts'
import type { CircuitState } from '../../rules/circuit.ts'
import type { TenantKey } from '../../store/endpoint.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { countOf, CountRef } from './count.ts'
import { valuesOf } from './enum-values.ts'
import { EndpointRef } from './refs.ts'

const CircuitStateEnum = builder.enumType('CircuitState', {
  description: 'Whether an endpoint that keeps failing is left in peace.',
  values: valuesOf<CircuitState>({
    CLOSED: 'Deliveries are attempted when they are due.',
    OPEN: 'Deliveries wait; none is attempted, and no attempt is used up.',
    HALF_OPEN: 'One probe is out: its success closes the circuit.',
  }),
})

/** How an endpoint does. Nothing is known of one that was never attempted. */
const EndpointHealthRef = builder.objectRef<TenantKey>('EndpointHealth').implement({
  description: 'How an endpoint does.',
  fields: (t) => ({
    consecutiveFailures: t.int({
      description: 'Failed attempts since its last success.',
      resolve: async (key, _args, context) => (await known(key, context))?.consecutiveFailures ?? 0,
    }),
    failingSince: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'The first of these failures; null while it is well.',
      resolve: async (key, _args, context) => (await known(key, context))?.failingSince,
    }),
    lastSuccessAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Its last success; null: there was none yet.',
      resolve: async (key, _args, context) => (await known(key, context))?.lastSuccessAt,
    }),
    circuit: t.field({
      type: CircuitStateEnum,
      description: 'Whether it is attempted at all.',
      resolve: async (key, _args, context) => (await known(key, context))?.circuit ?? 'CLOSED',
    }),
    nextProbeAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When it is attempted again: the next probe of an open circuit, or the end of a pause ' +
        'that the receiver asked for. Null while nothing is held back.',
      resolve: async (key, _args, context) => {
        const health = await known(key, context)
        if (!health || health.circuit === 'OPEN') return health?.parkedUntil
        const isPaused = health.parkedUntil && health.parkedUntil > context.services.clock.now()
        return isPaused ? health.parkedUntil : null
      },
    }),
    pendingDeliveries: t.field({
      type: CountRef,
      description: 'Deliveries that wait for their next attempt.',
      resolve: async ({ workspaceId, id }, _args, { loaders }) => {
        return countOf((await loaders.due.load({ workspaceId, id }))?.waiting ?? 0)
      },
    }),
  }),
})

builder.objectField(EndpointRef, 'health', (t) =>
  t.field({
    type: EndpointHealthRef,
    description: 'How it does.',
    resolve: (endpoint) => endpoint,
  }),
)

function known(
  { workspaceId, id }: TenantKey,
  { loaders }: Context,
): Promise<EndpointHealth | null> {
  return loaders.endpointHealth.load({ workspaceId, id })
}
