import type { Clock } from '../clock.ts'
import type { Pool } from '../db.ts'
import { auditRetentionDays, dayMs, dutyBatchMax } from '../limits.ts'
import { deleteOldAuditEntries } from '../store/audit-entry.ts'

/** What keeping the log for its time needs. */
export type AuditRetentionContext = { readonly pool: Pool; readonly clock: Clock }

/** Deletes what the audit log has kept long enough, a transaction for each batch. */
export async function retainAudit({ pool, clock }: AuditRetentionContext): Promise<void> {
  const before = new Date(clock.now().getTime() - auditRetentionDays * dayMs)
  const batch = { before, limit: dutyBatchMax }
  while ((await deleteOldAuditEntries(pool, batch)) === dutyBatchMax);
}
