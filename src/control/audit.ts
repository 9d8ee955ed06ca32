import type { EntityManager } from '@mikro-orm/postgresql'
import { type AuditAction, AuditEntryEntity } from '../model/audit-entry.ts'
import type { Facts } from '../rules/facts.ts'
import { newUuid } from '../rules/id.ts'
import type { ControlPorts } from './ports.ts'

/** One change, in the words of the audit log. */
export type ChangeNote = {
  readonly action: AuditAction
  /** Null: the operator's own. */
  readonly workspaceId: string | null
  readonly targetId: string
  /** Null: it was created. */
  readonly before: Facts | null
  /** Null: it is gone. */
  readonly after: Facts | null
}

/**
 * Notes a change in the audit log. `em` is that of the change's own transaction: there is never
 * one without the other.
 */
export function noteChange(
  { actor, clock }: Pick<ControlPorts, 'actor' | 'clock'>,
  em: EntityManager,
  note: ChangeNote,
): void {
  em.create(AuditEntryEntity, {
    ...note,
    id: newUuid(clock.now().getTime()),
    actor: actor.type,
    apiKeyId: actor.apiKeyId,
    apiKeyName: actor.apiKeyName,
  })
}
