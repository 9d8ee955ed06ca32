import type { EntityManager } from '@mikro-orm/postgresql'
import { type InputIssue, invalidInput } from '../errors.ts'
import { unknownName } from '../rules/event-match.ts'
import { isOperational, operatorWorkspaceId } from '../rules/operational-event.ts'
import { findEventTypesByName, listEventTypeNames } from '../store/event-type.ts'

/** What an endpoint is to subscribe to. */
export type SubscriptionWish = {
  readonly workspaceId: string
  /** As given, so that an issue can say which one it means. */
  readonly list: readonly string[]
  /** Names it subscribes to already: these may stay although they are deprecated by now. */
  readonly had: readonly string[]
}

/**
 * Refuses exact names that are not in the catalogue, or deprecated and new. Prefixes are taken as
 * they are: they also mean types that do not exist yet.
 */
export async function requireKnownTypes(em: EntityManager, wish: SubscriptionWish): Promise<void> {
  if (wish.workspaceId !== operatorWorkspaceId) refuseOperational(wish.list)
  if (wish.list.includes('*')) return
  const names = wish.list.filter((pattern) => !pattern.endsWith('.*'))
  if (names.length === 0) return
  const found = await findEventTypesByName(em, names)
  const statusOf = new Map(found.map(({ name, status }) => [name, status]))
  const unknown = names.some((name) => !statusOf.has(name))
  const known = unknown ? await listEventTypeNames(em) : []
  const issues = wish.list.flatMap((name, index): InputIssue[] => {
    if (!names.includes(name)) return []
    const path = ['eventTypes', String(index)]
    const status = statusOf.get(name)
    if (status === undefined) return [{ path, message: unknownName(name, known) }]
    const isNew = status === 'DEPRECATED' && !wish.had.includes(name)
    return isNew ? [{ path, message: `"${name}" is deprecated: it takes no new subscribers.` }] : []
  })
  if (issues.length > 0) throw invalidInput(issues)
}

/** What the program reports goes to the operator alone, so nothing would ever come. */
function refuseOperational(list: readonly string[]): void {
  const issues = list.flatMap((pattern, index): InputIssue[] => {
    if (!isOperational(pattern)) return []
    const message = `"${pattern}" is reported to the operator alone, in the operator's workspace.`
    return [{ path: ['eventTypes', String(index)], message }]
  })
  if (issues.length > 0) throw invalidInput(issues)
}
