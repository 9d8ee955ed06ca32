import type { EntityManager } from '@mikro-orm/postgresql'
import { z } from 'zod'
import { invalidInput } from '../errors.ts'
import {
  previousSecretsMax,
  previousSecretTtlSecondsDefault,
  previousSecretTtlSecondsMax,
} from '../limits.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { type EndpointSecret, EndpointSecretEntity } from '../model/endpoint-secret.ts'
import { newUuid } from '../rules/id.ts'
import { checkSecret, generateSecret } from '../rules/secret-format.ts'
import type { WireFormat } from '../rules/wire-formats.ts'
import { secretContext } from '../seal.ts'
import type { TenantKey } from '../store/endpoint.ts'
import { findEndpointSecrets } from '../store/endpoint-secret.ts'
import { changeEndpoint } from './endpoint-change.ts'
import { optional, readInput, wholeNumber } from './input.ts'
import type { ControlPorts } from './ports.ts'

const rotation = z.object({
  secret: optional(z.string()),
  previousSecretTtlSeconds: optional(wholeNumber(0, previousSecretTtlSecondsMax)),
})

/** How to rotate. */
export type SecretRotation = z.input<typeof rotation>

/** An endpoint with its new secret, which nobody is shown again. */
export type RotatedSecret = {
  readonly endpoint: Endpoint
  readonly secret: string
  readonly previousSecretExpiresAt: Date
}

/** Gives an endpoint a new secret. The old one signs beside it until it expires. */
export async function rotateSecret(
  ports: ControlPorts,
  key: TenantKey,
  input: SecretRotation,
): Promise<RotatedSecret> {
  const wanted = readInput(rotation, input)
  const secret = wanted.secret ?? generateSecret()
  const ttlSeconds = wanted.previousSecretTtlSeconds ?? previousSecretTtlSecondsDefault
  const now = ports.clock.now()
  const expiresAt = new Date(now.getTime() + ttlSeconds * 1000)
  const wish = { key, action: 'ENDPOINT_SECRET_ROTATED' } as const
  const endpoint = await changeEndpoint(ports, wish, async (locked, em) => {
    const problem = checkSecret(locked.wireFormat, secret)
    if (problem !== undefined) throw invalidInput([{ path: ['secret'], message: problem }])
    const secrets = await findEndpointSecrets(em, key)
    const current = secrets.find((one) => !one.expiresAt)
    if (current) current.expiresAt = expiresAt
    const live = secrets.filter((one) => isLive(one, now))
    requireRoom(live)
    for (const expired of secrets) if (!live.includes(expired)) em.remove(expired)
    await em.flush() // there is never a moment with two current ones
    addSecret(ports, em, { endpoint: locked, secret })
    return { previousSecretExpiresAt: expiresAt.toISOString() }
  })
  return { endpoint, secret, previousSecretExpiresAt: expiresAt }
}

/** Stores a secret as the current one. */
export function addSecret(
  { clock, sealer }: ControlPorts,
  em: EntityManager,
  { endpoint, secret }: { readonly endpoint: Endpoint; readonly secret: string },
): void {
  const { workspaceId, id: endpointId } = endpoint
  const createdAt = clock.now()
  const id = newUuid(createdAt.getTime())
  const secretSealed = sealer.seal(secret, secretContext(workspaceId, id))
  em.create(EndpointSecretEntity, { id, workspaceId, endpointId, secretSealed, createdAt })
}

/** Why the secrets an endpoint has cannot serve another wire format; undefined: they can. */
export async function misfitOfSecrets(
  { clock, sealer }: ControlPorts,
  em: EntityManager,
  { endpoint, wireFormat }: { readonly endpoint: Endpoint; readonly wireFormat: WireFormat },
): Promise<string | undefined> {
  const now = clock.now()
  const secrets = await findEndpointSecrets(em, endpoint)
  for (const one of secrets.filter((secret) => isLive(secret, now))) {
    const opened = sealer.open(one.secretSealed, secretContext(one.workspaceId, one.id))
    const problem = opened.ok ? checkSecret(wireFormat, opened.text) : 'cannot be read.'
    if (problem === undefined) continue
    const which = one.expiresAt ? 'an old secret that still signs' : 'the present secret'
    return `${wireFormat} does not take ${which}: ${problem} Rotate it first.`
  }
  return undefined
}

function isLive({ expiresAt }: EndpointSecret, now: Date): boolean {
  return !expiresAt || expiresAt > now
}

function requireRoom(live: readonly EndpointSecret[]): void {
  if (live.length <= previousSecretsMax) return
  const times = live.flatMap(({ expiresAt }) => (expiresAt ? [expiresAt.toISOString()] : []))
  const next = times.sort()[0] ?? ''
  const message = `At most ${previousSecretsMax} old secrets; the next one expires at ${next}.`
  throw invalidInput([{ path: [], message }])
}
