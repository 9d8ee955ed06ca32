import { z } from 'zod'
import { AppError, type InputIssue, invalidInput } from '../errors.ts'
import type { Workspace } from '../model/workspace.ts'
import { checkSecret } from '../rules/secret-format.ts'
import type { WireFormat } from '../rules/wire-formats.ts'
import { endpointFields, requireUrl } from './endpoint-fields.ts'
import { optional, readInput } from './input.ts'
import type { ControlPorts } from './ports.ts'
import { requireKnownTypes } from './subscription-check.ts'

/** The fields of a new endpoint, with what each may hold by itself. */
export const creation = z.object({
  url: endpointFields.url,
  eventTypes: endpointFields.eventTypes,
  description: optional(endpointFields.description),
  externalId: optional(endpointFields.externalId),
  wireFormat: optional(endpointFields.wireFormat),
  secret: optional(z.string()),
  headers: optional(endpointFields.headers),
  timeoutSeconds: optional(endpointFields.timeoutSeconds),
  retrySchedule: optional(endpointFields.retrySchedule),
  rateLimitPerSecond: optional(endpointFields.rateLimitPerSecond),
  ordered: optional(z.boolean()),
  metadata: optional(endpointFields.metadata),
  ping: optional(z.boolean()),
})

/** What a new endpoint is made of. */
export type EndpointCreation = z.input<typeof creation>

const someOfCreation = creation.partial()

/** Those fields of a new endpoint that could be read. */
export type SomeOfCreation = z.input<typeof someOfCreation>

/** Refuses a secret that receivers of the format could not verify with. */
export function requireSecret(format: WireFormat, secret: string): void {
  const problem = checkSecret(format, secret)
  if (problem !== undefined) throw invalidInput([{ path: ['secret'], message: problem }])
}

/**
 * Why a creation is refused, with every field that is wrong: those given here, and those that were
 * found `before`. A good one is spared these looks, as it is checked on its way. Undefined: nothing
 * is wrong any more.
 */
export async function refusalOfCreation(
  ports: Pick<ControlPorts, 'urlRules' | 'database'>,
  workspace: Workspace,
  { given, before = [] }: WrongCreation,
): Promise<AppError | undefined> {
  const { url, secret, eventTypes: list } = given
  const format = given.wireFormat ?? workspace.wireFormat
  const fields = await refusalBy(() => readInput(someOfCreation, given))
  // Only a list within its limits: for each unknown name the likeliest known one is looked for.
  const isListed = list && !fields?.issues.some(({ path }) => path[0] === 'eventTypes')
  const wish = isListed && { workspaceId: workspace.id, list, had: [] }
  const found = [
    before.length > 0 ? invalidInput(before) : undefined,
    fields,
    await refusalBy(() => url !== undefined && requireUrl(url, ports.urlRules)),
    await refusalBy(() => secret != null && requireSecret(format, secret)),
    await refusalBy(() => wish && requireKnownTypes(ports.database.orm.em.fork(), wish)),
  ].filter((refusal) => refusal !== undefined)
  // One alone keeps its code, which may say more than that the input is wrong.
  return found.length > 1 ? invalidInput(found.flatMap(({ issues }) => issues)) : found[0]
}

type WrongCreation = {
  readonly given: SomeOfCreation
  readonly before?: readonly InputIssue[]
}

async function refusalBy(check: () => unknown): Promise<AppError | undefined> {
  try {
    await check()
  } catch (error) {
    if (isAboutInput(error)) return error
    throw error
  }
  return undefined
}

/** Whether it names fields that the caller can mend. */
export function isAboutInput(error: unknown): error is AppError {
  return error instanceof AppError && error.issues.length > 0
}
