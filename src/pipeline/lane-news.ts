import type { Clock } from '../clock.ts'
import type { Pool } from '../db.ts'
import { dueHorizonMs } from '../limits.ts'
import { readLaneNews } from '../store/lane-endpoint.ts'
import type { Lane } from './lane.ts'

/**
 * Tells open lanes what other processes changed or published, where their own hint did not arrive.
 * Answers the endpoints that were changed.
 */
export async function tellNews(
  { pool, clock }: { readonly pool: Pool; readonly clock: Clock },
  lanes: ReadonlyMap<string, Lane>,
): Promise<string[]> {
  if (lanes.size === 0) return []
  const wishes = [...lanes].map(([endpointId, { wantsReminder }]) => {
    return { endpointId, asksForDue: wantsReminder }
  })
  const news = await readLaneNews(pool, wishes)
  const soon = clock.now().getTime() + dueHorizonMs
  const changed: string[] = []
  for (const { endpointId, version, nextDueAt } of news) {
    const lane = lanes.get(endpointId)
    if (lane?.endpoint.version !== version) changed.push(endpointId)
    else if (nextDueAt && nextDueAt.getTime() <= soon) lane.remind()
  }
  return changed
}
